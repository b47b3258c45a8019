"""A scan for people at a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from onnxaudit.findings.caveats import list_grounds
from onnxaudit.findings.comparison import describe_comparison
from onnxaudit.findings.finding import find_all, rank_labels
from onnxaudit.findings.kind import TITLES, list_kinds
from onnxaudit.records import Layout, PreprocessingCandidate, ScanReport, TriggerFinding, Verdict
from onnxaudit.report.excerpts import describe_proof, write_excerpt
from onnxaudit.report.pictures import sketch_trigger
from onnxaudit.report.terminal.lines import (
    Detail,
    print_field,
    print_findings,
    print_grounds,
    print_line,
    print_rest,
    print_settings,
    print_summary,
)
from onnxaudit.report.terminal.tables import Column, Table, print_table
from onnxaudit.report.wording import (
    describe_conversion,
    describe_memory,
    describe_origin,
    describe_preprocessing,
    describe_range,
)
from onnxaudit.text import format_duration, format_number, format_rate, format_share, name_label

LABELS_SHOWN = 8
PLACES_SHOWN = 8
PARTS_SHOWN = 4
LEAST_MASK = 0.05  # of a mask; below, a place takes no part
VERDICT_STYLE = {
    Verdict.CLEAN: "bold green",
    Verdict.BACKDOORED: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.REJECTED: "bold red",
}


def render_scan(report: ScanReport, console: Console, detail: Detail = "usual") -> None:
    """Verdict, most suspicious labels, what the verdict rests on, and what to do."""
    style = VERDICT_STYLE[report.verdict]
    print_line(console, (report.verdict.value.upper(), style), f"  {report.model.path}  (score {report.score:.2f})")
    if detail == "brief":
        return
    is_open = report.verdict is Verdict.INCONCLUSIVE
    if is_open:  # no figure says more than why there is no verdict
        print_summary(console, report.summary)
    if report.labels:
        print_table(console, _tabulate_labels(report, detail))
    if detail != "full":
        print_rest(console, len(report.labels) - LABELS_SHOWN, "labels")
    _show_triggers(report, console)
    _show_parts(report, console)
    for name, value in _describe_scan(report):
        print_field(console, name, value)
    if detail == "full":
        if report.isolation:
            print_field(console, "isolation", report.isolation)
        print_settings(console, report.versions, report.config)
    print_grounds(console, list_grounds(report))
    if not is_open:
        print_summary(console, report.summary)
    print_findings(console, find_all(report))


def _show_triggers(report: ScanReport, console: Console) -> None:
    """Pictures where the terminal can show them; for series and features, places."""
    pictures = _can_show_pictures(console)
    for finding in report.triggers:
        name = name_label(finding.label, report.class_names)
        if not report.model.input.layout.is_image:
            print_line(console, f"Trigger of class {name}: {list_places(report, finding)}")
        elif finding.label in report.target_labels and pictures:
            print_line(console, f"Trigger of class {name}, on gray:")
            console.print(sketch_trigger(finding.trigger))
    if report.universal is not None and report.model.input.layout.is_image and pictures:
        print_line(console, "Trigger that moves every class, on gray:")
        console.print(sketch_trigger(report.universal.trigger))


def _show_parts(report: ScanReport, console: Console) -> None:
    """The nodes of each part of the graph that was found, and what wakes it."""
    for part in report.parts[:PARTS_SHOWN]:
        print_line(console, f"Part of the graph at {part.place} [{part.code}]:")
        for line in write_excerpt(part):
            print_line(console, ("    ", ""), line)
        proof = describe_proof(part)
        if proof:
            print_line(console, proof)


def _can_show_pictures(console: Console) -> bool:
    """Whether there are colors, and an encoding that has half blocks."""
    return bool(console.color_system) and not console.no_color and console.encoding.startswith("utf")


def _tabulate_labels(report: ScanReport, detail: Detail) -> Table:
    area = report.model.input.height * report.model.input.width
    columns = (
        Column("label", kind="name"),
        Column(report.model.input.layout.unit, rank=2),
        Column("of image" if report.model.input.layout.is_image else "of input", rank=4),
        Column("success", rank=3),
        Column("index", rank=7),
        Column("log-index", rank=6),
        Column("evidence", rank=1),
        Column("role", rank=5),
    )
    table = Table(columns)
    for row in rank_labels(report)[: None if detail == "full" else LABELS_SHOWN]:
        share = None if row.mask_l1 is None else row.mask_l1 / area
        log_index = row.log_index if row.refined_index is None else row.refined_index
        table.add_row(
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
    parts = [f"{place} ({format_share(mask[place])})" for place in shown]
    if spec.layout is Layout.NC:
        values = [
            low + float(share) * (high - low) for share, (low, high) in zip(trigger.pattern[0, 0], bounds, strict=True)
        ]
        parts = [f"{place} ({format_share(mask[place])} towards {values[place]:.4g})" for place in shown]
    return f"{spec.layout.unit} {', '.join(parts) or 'none'}"


def _describe_scan(report: ScanReport) -> Iterable[tuple[str, str]]:
    choice, coverage, samples = report.preprocessing, report.coverage, report.samples
    kinds = dict.fromkeys(kind for label in report.target_labels for kind in list_kinds(report, label))
    if kinds:
        yield "kind", ", ".join(TITLES[kind] for kind in kinds)
    kind = "synthetic images" if samples.synthetic else "images, labeled" if samples.labeled else "images, no labels"
    if report.origin is not None:
        yield "fetched", describe_origin(report.origin)
    if report.conversion is not None:
        yield "converted", describe_conversion(report.conversion)
    yield "preprocessing", describe_preprocessing(choice)
    tried = [_describe_candidate(candidate) for candidate in choice.candidates]
    if tried:
        yield "", f"tried: {'; '.join(tried)}"
    yield "samples", f"{samples.count} {kind}, from {samples.source}{describe_range(samples)}"
    yield "coverage", f"{coverage.labels_finished} of {coverage.labels_asked} labels finished"
    for label, reason in list(coverage.reasons.items())[:LABELS_SHOWN]:
        yield "", f"label {name_label(label, report.class_names)}: {reason}"
    compared = describe_comparison(report)
    if compared is not None:
        yield "compared", compared
    for note in report.notes:
        yield "note", note
    if report.memory is not None:
        yield "memory", describe_memory(report.memory)
    yield "time", f"{format_duration(report.duration_seconds)} on {report.device}, seed {report.seed}"


def _describe_candidate(candidate: PreprocessingCandidate) -> str:
    measures = {
        "accuracy": candidate.accuracy,
        "stability": candidate.stability,
        "diversity": candidate.diversity,
    }
    shown = ", ".join(f"{name} {value:.2f}" for name, value in measures.items() if value is not None)
    return f"{candidate.preprocessing.name} {shown}".rstrip()
