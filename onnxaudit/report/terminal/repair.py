"""A repair for people at a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from onnxaudit.findings.caveats import list_grounds
from onnxaudit.findings.finding import find_all
from onnxaudit.records import NeuronAxis, PruningRound, RepairReport
from onnxaudit.report.forgetting import describe_forgetting
from onnxaudit.report.measures import list_measures
from onnxaudit.report.terminal.lines import (
    Detail,
    print_field,
    print_findings,
    print_grounds,
    print_line,
    print_settings,
    print_summary,
)
from onnxaudit.report.terminal.tables import Column, Table, print_table
from onnxaudit.report.trade_off import HEADINGS, find_front, list_row
from onnxaudit.report.wording import describe_conversion, describe_origin
from onnxaudit.text import format_count, format_duration, format_rate, name_labels

ROUNDS_SHOWN = 12
OUTCOME_STYLE = {
    "repaired": "bold green",
    "nothing to repair": "bold green",
    "incomplete": "bold red",
    "inconclusive": "bold yellow",
}


def render_repair(report: RepairReport, console: Console, detail: Detail = "usual") -> None:
    """Outcome, rounds, figures before and after, and what to do."""
    style = OUTCOME_STYLE[report.outcome]
    print_line(console, (report.outcome.upper(), style), f"  {report.scan.model.path}")
    if detail == "brief":
        return
    if report.layer is not None:
        targets = name_labels(report.targets, report.scan.class_names)
        suspected = "suspected, without a verdict: " if report.suspected else ""
        print_line(console, f"{suspected}{targets}; layer {report.layer.name}, {report.layer.neurons} neurons")
    if report.rounds:
        print_table(console, _tabulate_rounds(report.rounds, detail))
        kept = sum(trial.kept for trial in report.rounds)
        print_line(
            console, ("pruning       ", "dim"), f"{len(report.rounds)} rounds: {kept} kept, the others rolled back"
        )
    if report.original is not None:
        print_table(console, _tabulate_measurements(report))
    if report.outcome == "incomplete" or detail == "full":
        _print_trade_off(report, console)
    for found in report.forgetting:
        print_field(console, "forgetting", describe_forgetting(found))
    if report.scan.origin is not None:
        print_field(console, "fetched", describe_origin(report.scan.origin))
    if report.scan.conversion is not None:
        print_field(console, "converted", describe_conversion(report.scan.conversion))
    if report.output is not None:
        print_line(
            console, ("written       ", "dim"), f"{report.output}  (sha256 {(report.output_sha256 or '')[:16]}…)"
        )
    print_field(console, "time", f"{format_duration(report.duration_seconds)} on {report.device}")
    if detail == "full":
        if report.isolation:
            print_field(console, "isolation", report.isolation)
        print_settings(console, report.versions, report.config)
    print_grounds(console, list_grounds(report))
    print_summary(console, report.summary)
    print_findings(console, find_all(report))


def _print_trade_off(report: RepairReport, console: Console) -> None:
    """The candidates worth choosing from, if there is a choice."""
    front = find_front(report.candidates)
    if len(front) > 1:
        first, *others = HEADINGS
        table = Table((Column(first, kind="prose"), *(Column(name) for name in others)))
        for one in front:
            table.add_row(*list_row(one))
        print_table(console, table)


def _tabulate_rounds(rounds: Sequence[PruningRound], detail: Detail) -> Table:
    """All rounds where they are few or all are wanted; else the first, the last ones that were kept, and the last."""
    several = len({trial.target for trial in rounds}) > 1
    columns = (
        Column("round"),
        *([Column("target", rank=4)] if several else []),
        Column("neurons", rank=3, kind="prose"),
        Column("by", rank=7),
        Column("Q", rank=2),
        Column("S", rank=1),
        Column("margin", rank=6),
        Column(""),
        Column("reason", rank=5, kind="prose"),
    )
    table = Table(columns)
    for number in range(len(rounds)) if detail == "full" else _choose_rounds(rounds):
        trial = rounds[number]
        table.add_row(
            str(number + 1),
            *([str(trial.target)] if several else []),
            _list_neurons(trial),
            trial.ranking,
            format_count(trial.agreement),
            format_count(trial.success_rate),
            f"{trial.margin:.2f}",
            Text("kept", "green") if trial.kept else Text("back", "dim"),
            "" if trial.kept else trial.reason,
        )
    return table


def _choose_rounds(rounds: Sequence[PruningRound]) -> list[int]:
    """Which rounds to show."""
    if len(rounds) <= ROUNDS_SHOWN:
        return list(range(len(rounds)))
    kept = [number for number, trial in enumerate(rounds) if trial.kept]
    return sorted({0, len(rounds) - 1, *kept[-(ROUNDS_SHOWN - 2) :]})


def _list_neurons(trial: PruningRound) -> str:
    shown = ", ".join(str(neuron) for neuron in trial.neurons[:4])
    listed = shown if len(trial.neurons) <= 4 else f"{shown}, … ({len(trial.neurons)})"
    return listed if trial.axis is NeuronAxis.OUTPUTS else f"input {listed}"


def _tabulate_measurements(report: RepairReport) -> Table:
    columns = {"original": report.original, "pruned": report.pruned_only, "repaired": report.repaired}
    measured = {name: value for name, value in columns.items() if value is not None}
    ranks = {"pruned": 2, "original": 1}
    shown = (Column(name, rank=ranks.get(name, 0)) for name in measured)
    table = Table((Column("on held-out images", kind="prose"), *shown))
    for measure, rates in list_measures(tuple(measured.values())):
        table.add_row(measure.heading, *map(format_rate, rates))
    return table
