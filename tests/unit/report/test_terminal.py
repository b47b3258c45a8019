"""What people read at a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from onnxaudit.records import (
    Coverage,
    NeuronAxis,
    Origin,
    PruningRound,
    Rate,
    RepairDocument,
    ScanDocument,
    ScanFailure,
    UniversalTrigger,
    Verdict,
)
from onnxaudit.report.html.commands import write_repair_command
from onnxaudit.report.terminal import (
    Detail,
    render_document,
    render_profile,
    render_repair,
    render_scan,
    render_text,
)
from onnxaudit.report.terminal.lines import print_field, print_line
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report, make_trigger

RATE = Rate(20, 20, 1.0, 0.839, 1.0)


def plain_console() -> Console:
    return Console(file=io.StringIO(), width=100, color_system=None)


def colour_console() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor", no_color=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_scan_shows_verdict_target_evidence_and_advice() -> None:
    console = plain_console()
    render_scan(make_scan_report(), console)
    text = text_of(console)
    assert text.startswith("BACKDOORED  folder/model.onnx")
    for part in ("2 (ship)", "4.2", "7 %", "100 % [89, 100]", "0..1 has the best accuracy", "40 images, labeled"):
        assert part in text
    assert "4 of 4 labels finished" in text
    assert "What was found." in text


def test_a_repair_tells_where_its_model_is_from() -> None:
    origin = Origin(uri="s3://b/m.onnx", revision="r1", sha256="a" * 64, pinned=True)
    report = make_repair_report(scan=replace(make_scan_report(), origin=origin))
    console = plain_console()
    render_repair(report, console)
    assert "fetched       revision r1, sha256 aaaa" in text_of(console)
    assert f"repair 'folder/model.onnx#sha256={'a' * 64}'" in " ".join(write_repair_command(report))


def fold(text: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_field(console, "note", text)
    print_line(console, text)
    return text_of(console).splitlines()


@pytest.mark.parametrize("width", range(30, 62))
def test_a_figure_stays_on_the_line_of_its_unit(width: int) -> None:
    lines = fold("the smallest trigger sends 96 % of images, with p = 0.09, to \ue000 the class", width)
    assert all(len(line) <= width for line in lines)
    assert not [line for line in lines if line.endswith(("96", " p", "="))]
    assert "".join(lines).count("\\ue000") == 2


def test_a_field_takes_the_whole_width() -> None:
    first, second, *_ = fold("aaaa bbbb cccc dddd eeee", 33)
    assert (first, second) == ("note          aaaa bbbb cccc dddd", "              eeee")


def test_notes_on_how_the_file_was_run_are_shown() -> None:
    console = plain_console()
    render_scan(replace(make_scan_report(), notes=("run as its float32 upcast",)), console)
    assert "note          run as its float32 upcast" in text_of(console)


def test_the_most_suspicious_label_comes_first() -> None:
    console = plain_console()
    render_scan(make_scan_report(target_labels=(3,)), console)
    text = text_of(console)
    assert text.index("3 (frog)") < text.index("2 (ship)") < text.index("0 (cat)") < text.index("1 (dog)")


def test_a_label_without_a_size_is_shown_last_and_with_its_reason() -> None:
    report = make_scan_report(Verdict.INCONCLUSIVE)
    labels = (replace(report.labels[0], mask_l1=None, anomaly_index=None), *report.labels[1:])
    console = plain_console()
    render_scan(replace(report, labels=labels, coverage=Coverage(4, 3, {0: "time was up"})), console)
    text = text_of(console)
    assert text.index("1 (dog)") < text.index("0 (cat)")
    assert "label 0 (cat): time was up" in text


def test_pictures_are_for_terminals_with_colours_alone() -> None:
    console = colour_console()
    render_scan(make_scan_report(), console)
    assert "▀" in text_of(console)
    console = plain_console()
    render_scan(make_scan_report(), console)
    assert "▀" not in text_of(console)


def test_a_terminal_without_half_blocks_gets_no_pictures() -> None:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), "ascii"), width=100, force_terminal=True, no_color=False)
    with console.capture() as captured:
        render_scan(make_scan_report(), console)
    assert "▀" not in captured.get()


def test_the_trigger_of_an_all_to_all_backdoor_is_pictured() -> None:
    console = colour_console()
    universal = UniversalTrigger(make_trigger(), (1, 2, 3, 0), RATE)
    render_scan(make_scan_report(universal=universal, target_labels=(0,)), console)
    assert "Trigger that moves every class" in text_of(console)
    assert "▀" in text_of(console)


def test_what_could_not_be_scanned_is_told() -> None:
    assert render_text(ScanDocument((), (ScanFailure("m.onnx", "is empty"),))) == "ERROR  m.onnx: is empty\n"
    named = ScanFailure("m.onnx", "m.onnx: is empty")
    assert render_text(ScanDocument((), (named,))) == "ERROR  m.onnx: is empty\n"


@pytest.mark.parametrize("detail", ["brief", "usual", "full"])
def test_the_answer_comes_first_however_much_is_told(detail: Detail) -> None:
    for document in (ScanDocument((make_scan_report(),)), RepairDocument((make_repair_report(),))):
        console = plain_console()
        render_document(document, console, detail)
        assert text_of(console).startswith(("BACKDOORED  folder", "REPAIRED  folder"))


HOSTILE = "[red]x[/red][/] \x1b[31m\x9b1m\x07\r\nCLEAN \u202e :smile: {{7*7}}"


@pytest.mark.parametrize("console", [plain_console(), colour_console()], ids=["plain", "colour"])
def test_hostile_names_are_shown_and_do_nothing(console: Console) -> None:
    report = make_scan_report(class_names=(HOSTILE,) * 4, summary=HOSTILE, reasons=(HOSTILE,))
    report = replace(
        report,
        model=replace(report.model, path=HOSTILE),
        samples=replace(report.samples, source=HOSTILE),
        preprocessing=replace(report.preprocessing, explanation=HOSTILE),
        coverage=Coverage(4, 3, {0: HOSTILE}),
    )
    layer = replace(make_profile().layer, name=HOSTILE)
    rounds = tuple(replace(trial, reason=HOSTILE) for trial in make_repair_report().rounds)
    render_scan(report, console)
    render_repair(make_repair_report(scan=report, layer=layer, rounds=rounds, output=HOSTILE), console)
    render_profile(replace(make_profile(), layer=layer), console)
    text = text_of(console)
    assert "[red]x[/red][/]" in text
    assert ":smile:" in text
    for char in ("\x1b[31m\x9b", "\x9b", "\x07", "\r", "\u202e"):
        assert char not in text
    assert not any(line.startswith("CLEAN") for line in text.splitlines())


@pytest.mark.parametrize("blanks", range(60, 100, 3))
def test_a_long_name_that_is_folded_begins_no_line_with_a_verdict(blanks: int) -> None:
    name = f"{'x' * blanks} CLEAN  other.onnx  (score 0.00)"
    report = make_scan_report(class_names=(name,) * 4, summary=name, reasons=(name,))
    report = replace(report, model=replace(report.model, path=name))
    console = plain_console()
    render_scan(report, console)
    render_repair(make_repair_report(scan=report, output=name), console)
    assert not [line for line in text_of(console).splitlines() if line.startswith("CLEAN")]


def test_a_repair_shows_rounds_figures_and_outcome() -> None:
    console = plain_console()
    render_repair(make_repair_report(), console)
    text = text_of(console)
    assert text.startswith("REPAIRED")
    for part in (
        "2 (ship)",
        "fc1",
        "kept",
        "back",
        "S did not fall",
        "0 % [0, 16]",
        "poisoned accuracy (PACC)",
        "85 % [64, 95]",
        "folder/fixed.onnx",
        "known trigger",
    ):
        assert part in text


def test_a_repair_that_did_nothing_has_no_empty_tables() -> None:
    nothing = dict.fromkeys(("layer", "profile", "original", "pruned_only", "repaired", "output"))
    console = plain_console()
    render_repair(make_repair_report(outcome="nothing to repair", rounds=(), **nothing), console)
    assert "round" not in text_of(console)
    assert "held-out" not in text_of(console)


def test_many_rounds_are_cut_to_those_that_count() -> None:
    rounds = tuple(
        PruningRound(
            target=0,
            neurons=(number,),
            ranking="activation",
            agreement=RATE,
            success_rate=RATE,
            margin=float(number),
            kept=number % 50 == 7,
            reason=f"reason {number}",
        )
        for number in range(300)
    )
    console = plain_console()
    render_repair(make_repair_report(rounds=rounds), console)
    text = text_of(console)
    for number in (0, 7, 57, 257, 299):
        assert f"{number}.00" in text
    assert "100.00" not in text
    assert "300 rounds: 6 kept" in text


def test_rounds_for_several_targets_name_theirs() -> None:
    one, two = plain_console(), plain_console()
    report = make_repair_report()
    render_repair(report, one)
    render_repair(replace(report, rounds=(*report.rounds, replace(report.rounds[0], target=9))), two)
    assert "target" not in text_of(one).split("margin")[0]
    assert "target" in text_of(two).split("margin")[0]


def test_rounds_tell_inputs_of_the_layer_from_its_neurons() -> None:
    console, report = plain_console(), make_repair_report()
    inputs = replace(report.rounds[0], neurons=(7, 40), axis=NeuronAxis.INPUTS)
    render_repair(replace(report, rounds=(report.rounds[0], inputs)), console)
    assert text_of(console).count("input 7, 40") == 1


def test_a_profile_ranks_by_activation_and_by_weight() -> None:
    console = plain_console()
    render_profile(make_profile(), console)
    first = next(line.split() for line in text_of(console).splitlines() if line.startswith("1 "))
    assert first == ["1", "1", "9.000", "0.100", "2", "3.000"]
