"""Reports for people at a terminal."""

import io
from collections.abc import Iterable, Sequence
from typing import Literal, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onnxaudit.records import (
    Document,
    ErrorDocument,
    Layout,
    Measurement,
    PreprocessingCandidate,
    Profile,
    ProfileDocument,
    PruningRound,
    RepairReport,
    ScanReport,
    TriggerFinding,
    Verdict,
)
from onnxaudit.report.findings import Finding, find_all, rank_labels
from onnxaudit.report.pictures import sketch_trigger
from onnxaudit.report.text import (
    format_count,
    format_duration,
    format_number,
    format_rate,
    format_share,
    name_label,
    name_labels,
    show_plainly,
)

WIDTH_OF_FILES = 100  # columns where there is no terminal
LABELS_SHOWN = 8
PLACES_SHOWN = 8
LEAST_MASK = 0.05  # of a mask; below, a place takes no part
ROUNDS_SHOWN = 12
NEURONS_SHOWN = 10
FOLDED = {"neurons", "reason", "on held-out images"}  # columns that may break their lines
CUT = {"label"}  # columns that may be cut short: a stranger's name, folded, could begin a line with a verdict

VERDICT_STYLE = {Verdict.CLEAN: "bold green", Verdict.BACKDOORED: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
OUTCOME_STYLE = {
    "repaired": "bold green",
    "nothing to repair": "bold green",
    "incomplete": "bold red",
    "inconclusive": "bold yellow",
}


def open_console(stream: TextIO | None) -> Console:
    """A console on `stream`, on stderr where None, that reads no markup in what it prints."""
    console = Console(file=stream, stderr=stream is None, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    return console


def render_text(document: Document) -> str:
    """What people read, without colours and pictures."""
    text = io.StringIO()
    render_document(document, open_console(text))
    return text.getvalue()


def render_document(document: Document, console: Console) -> None:
    """All reports in a document, one after the other."""
    match document:
        case ErrorDocument():
            _print(console, f"error: {document.error}")
        case ProfileDocument():
            render_profile(document.profile, console)
        case _:
            for report in document.reports:
                if isinstance(report, ScanReport):
                    render_scan(report, console)
                else:
                    render_repair(report, console)


def render_scan(report: ScanReport, console: Console) -> None:
    """Verdict, most suspicious labels, what the verdict rests on, and what to do."""
    style = VERDICT_STYLE[report.verdict]
    _print(console, (report.verdict.value.upper(), style), f"  {report.model.path}  (score {report.score:.2f})")
    console.print(_tabulate_labels(report))
    for finding in report.triggers:
        if not report.model.input.layout.is_image:
            _print(
                console,
                f"Trigger of class {name_label(finding.label, report.class_names)}: {list_places(report, finding)}",
            )
        elif finding.label in report.target_labels and console.color_system and not console.no_color:
            _print(console, f"Trigger of class {name_label(finding.label, report.class_names)}, on grey:")
            console.print(sketch_trigger(finding.trigger))
    for name, value in _describe_scan(report):
        _print(console, (f"{name:<14}", "dim"), value)
    _print_sentences(console, report.reasons, report.summary)
    _print_findings(console, find_all(report))


def render_repair(report: RepairReport, console: Console) -> None:
    """Outcome, rounds, figures before and after, and what to do."""
    style = OUTCOME_STYLE[report.outcome]
    _print(console, (report.outcome.upper(), style), f"  {report.scan.model.path}")
    if report.layer is not None:
        targets = name_labels(report.targets, report.scan.class_names)
        _print(console, f"{targets}; layer {report.layer.name}, {report.layer.neurons} neurons")
    if report.rounds:
        console.print(_tabulate_rounds(report.rounds))
        kept = sum(trial.kept for trial in report.rounds)
        _print(console, ("pruning       ", "dim"), f"{len(report.rounds)} rounds: {kept} kept, the others rolled back")
    if report.original is not None:
        console.print(_tabulate_measurements(report))
    if report.output is not None:
        _print(console, ("written       ", "dim"), f"{report.output}  (sha256 {(report.output_sha256 or '')[:16]}…)")
    _print(console, ("time          ", "dim"), f"{format_duration(report.duration_seconds)} on {report.device}")
    _print_sentences(console, report.reasons, report.summary)
    _print_findings(console, find_all(report))


def render_profile(profile: Profile, console: Console) -> None:
    """Both rankings side by side, from high to low."""
    layer = profile.layer
    _print(console, f"layer {layer.name}: {layer.neurons} neurons, each {_describe_axis(profile)}")
    table = _new_table("rank", "by activation", "triggered", "clean", "by weight", "L2 norm")
    by_activation = sorted(profile.neurons, key=lambda neuron: neuron.activation_rank)
    by_weight = sorted(profile.neurons, key=lambda neuron: neuron.weight_rank)
    for rank, (active, heavy) in enumerate(zip(by_activation, by_weight, strict=True), start=1):
        if rank > NEURONS_SHOWN:
            break
        _add_row(
            table,
            str(rank),
            str(active.neuron),
            f"{active.activation:.3f}",
            f"{active.clean_activation:.3f}",
            str(heavy.neuron),
            f"{heavy.weight:.3f}",
        )
    console.print(table)
    _print_rest(console, len(profile.neurons) - NEURONS_SHOWN, "neurons")


def _describe_axis(profile: Profile) -> str:
    return "a row of the layer" if profile.layer.axis == "outputs" else "a feature that feeds the layer"


def _tabulate_labels(report: ScanReport) -> Table:
    area = report.model.input.height * report.model.input.width
    table = _new_table(
        "label",
        report.model.input.layout.unit,
        "of image" if report.model.input.layout.is_image else "of input",
        "success",
        "index",
        "log-index",
        "evidence",
        "role",
    )
    for row in rank_labels(report)[:LABELS_SHOWN]:
        share = None if row.mask_l1 is None else row.mask_l1 / area
        log_index = row.log_index if row.closer_index is None else row.closer_index
        _add_row(
            table,
            Text(name_label(row.label, report.class_names), "red" if row.label in report.target_labels else ""),
            format_number(row.mask_l1),
            "–" if share is None else format_share(share),
            format_rate(row.success_rate),
            format_number(row.anomaly_index, 2),
            format_number(log_index, 2),
            format_number(row.log_odds),
            row.role or ("" if row.status == "settled" else row.status.value),
        )
    return table


def list_places(report: ScanReport, finding: TriggerFinding) -> str:
    """Where a trigger for series or features lies, and, for features, what it sets them to; densest first."""
    spec, trigger, bounds = report.model.input, finding.trigger, report.preprocessing.preprocessing.bounds
    mask = trigger.mask[0, 0]
    shown = [int(place) for place in (-mask).argsort()[:PLACES_SHOWN] if mask[place] >= LEAST_MASK]
    parts = [f"{place} ({mask[place]:.0%})" for place in shown]
    if spec.layout is Layout.NC:
        values = [
            low + float(share) * (high - low) for share, (low, high) in zip(trigger.pattern[0, 0], bounds, strict=True)
        ]
        parts = [f"{place} ({mask[place]:.0%} towards {values[place]:.4g})" for place in shown]
    return f"{spec.layout.unit} {', '.join(parts) or 'none'}"


def _describe_scan(report: ScanReport) -> Iterable[tuple[str, str]]:
    choice, coverage, samples = report.preprocessing, report.coverage, report.samples
    kind = "synthetic images" if samples.synthetic else "images, labelled" if samples.labelled else "images, no labels"
    yield "preprocessing", f"{choice.preprocessing.name}: {choice.explanation}"
    tried = [_describe_candidate(candidate) for candidate in choice.candidates]
    if tried:
        yield "", f"tried: {'; '.join(tried)}"
    yield "samples", f"{samples.count} {kind}, from {samples.source}"
    yield "coverage", f"{coverage.labels_finished} of {coverage.labels_asked} labels finished"
    for label, reason in list(coverage.reasons.items())[:LABELS_SHOWN]:
        yield "", f"label {name_label(label, report.class_names)}: {reason}"
    for note in report.notes:
        yield "note", note
    yield "time", f"{format_duration(report.duration_seconds)} on {report.device}, seed {report.seed}"


def _describe_candidate(candidate: PreprocessingCandidate) -> str:
    measures = {
        "accuracy": candidate.accuracy,
        "stability": candidate.stability,
        "diversity": candidate.diversity,
    }
    shown = ", ".join(f"{name} {value:.2f}" for name, value in measures.items() if value is not None)
    return f"{candidate.preprocessing.name} {shown}".rstrip()


def _tabulate_rounds(rounds: Sequence[PruningRound]) -> Table:
    """All rounds where they are few; else the first, the last ones that were kept, and the last."""
    several = len({trial.target for trial in rounds}) > 1
    table = _new_table("round", *(["target"] if several else []), "neurons", "by", "Q", "S", "margin", "", "reason")
    for number in _choose_rounds(rounds):
        trial = rounds[number]
        _add_row(
            table,
            str(number + 1),
            *([str(trial.target)] if several else []),
            _list_neurons(trial.neurons),
            trial.ranking,
            format_count(trial.agreement),
            format_count(trial.success_rate),
            f"{trial.margin:.2f}",
            Text("kept", "green") if trial.kept else Text("back", "dim"),
            "" if trial.kept else show_plainly(trial.reason),
        )
    return table


def _choose_rounds(rounds: Sequence[PruningRound]) -> list[int]:
    """Which rounds to show."""
    if len(rounds) <= ROUNDS_SHOWN:
        return list(range(len(rounds)))
    kept = [number for number, trial in enumerate(rounds) if trial.kept]
    return sorted({0, len(rounds) - 1, *kept[-(ROUNDS_SHOWN - 2) :]})


def _list_neurons(neurons: Sequence[int]) -> str:
    shown = ", ".join(str(neuron) for neuron in neurons[:4])
    return shown if len(neurons) <= 4 else f"{shown}, … ({len(neurons)})"


def _tabulate_measurements(report: RepairReport) -> Table:
    columns = {"original": report.original, "pruned": report.pruned_only, "repaired": report.repaired}
    measured = {name: value for name, value in columns.items() if value is not None}
    table = _new_table("on held-out images", *measured)
    _add_row(table, "accuracy (PA)", *(format_rate(value.accuracy) for value in measured.values()))
    _add_row(table, "agreement (Q)", *(format_rate(value.agreement) for value in measured.values()))
    _add_row(
        table, "success of the trigger found (S)", *(format_rate(value.success_rate) for value in measured.values())
    )
    if any(_knows_trigger(value) for value in measured.values()):
        _add_row(
            table,
            "success of the known trigger",
            *(format_rate(value.known_success_rate) for value in measured.values()),
        )
    return table


def _knows_trigger(measurement: Measurement) -> bool:
    return measurement.known_success_rate is not None


def _new_table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        overflow: Literal["ellipsis", "fold"] = "ellipsis" if column in CUT else "fold"
        table.add_column(column, overflow=overflow, no_wrap=column not in FOLDED)
    return table


def _add_row(table: Table, *cells: str | Text) -> None:
    """A row whose strings are never read as markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))


def _print(console: Console, *parts: str | tuple[str, str]) -> None:
    """One line of parts, each a string or (string, style); what they hold is never read as markup."""
    line = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        line.append(show_plainly(text), style)
    console.print(line)


def _print_sentences(console: Console, reasons: Sequence[str], summary: str) -> None:
    for reason in reasons:
        _print(console, "· ", reason)
    console.print()
    _print(console, summary)
    console.print()


def _print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Under which rules: what each means is one command away."""
    for finding in findings[:LABELS_SHOWN]:
        place = f", {finding.place}" if finding.place else ""
        _print(console, (f"{finding.rule.id} {finding.rule.name}{place}", "dim"))
    if findings:
        _print(console, (f"`onnxaudit rules {findings[0].rule.id}` says what that means and what to do", "dim"))


def _print_rest(console: Console, count: int, what: str) -> None:
    if count > 0:
        _print(console, (f"… and {count} more {what}; all are in the JSON report", "dim"))
