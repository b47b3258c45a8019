"""A scan as the page shows it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from onnxaudit.findings.caveats import Ground, list_grounds
from onnxaudit.findings.comparison import describe_comparison
from onnxaudit.findings.finding import Finding, find_all
from onnxaudit.findings.kind import TITLES, list_kinds
from onnxaudit.findings.rules import Rule
from onnxaudit.records import Gate, PreprocessingCandidate, ScanReport, Verdict
from onnxaudit.report.html import commands
from onnxaudit.report.html.charts.labels import draw_labels, list_marks
from onnxaudit.report.html.detail import Detail
from onnxaudit.report.html.settings import find_number
from onnxaudit.report.html.views.coverage import (
    Fate,
    LabelTable,
    Test,
    list_fates,
    list_gaps,
    list_tests,
    tabulate_labels,
)
from onnxaudit.report.html.views.parts import Answer, Fact, make_answer
from onnxaudit.report.html.views.structure import PartView, list_parts
from onnxaudit.report.html.views.suspects import (
    Captioned,
    Suspect,
    Universal,
    describe_universal,
    list_suspects,
)
from onnxaudit.report.html.wording import count, name_input, shorten, shorten_path
from onnxaudit.report.wording import (
    describe_conversion,
    describe_memory,
    describe_origin,
    describe_preprocessing,
    describe_range,
)
from onnxaudit.text import format_duration, format_rate, format_share, name_labels

TARGETS_NAMED = 3
LONGEST_SETTINGS = 50_000  # characters


@dataclass(frozen=True)
class Provenance:
    """Which files, versions and settings a run rests on, and how it is done again."""

    command: tuple[str, ...]
    gaps: tuple[str, ...]
    facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    hashes: tuple[Fact, ...]
    settings: Markup


@dataclass(frozen=True)
class ScanView:
    """One scan."""

    name: str
    answer: Answer
    hero: Captioned | None
    facts: tuple[Fact, ...]
    reasons: tuple[Ground, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    chart: Markup
    marks: tuple[str, ...]
    targets: tuple[Suspect, ...]
    others: tuple[Suspect, ...]
    universal: Universal | None
    parts: tuple[PartView, ...]
    tests: tuple[Test, ...]
    gaps: tuple[str, ...]
    fates: tuple[Fate, ...]
    labels: LabelTable | None
    preprocessing: str
    candidates: tuple[tuple[str, str], ...]
    provenance: Provenance
    kind: str = "scan"


def view_scan(report: ScanReport, detail: Detail, gate: Gate | None = None) -> ScanView:
    """Everything that the page says about a scan; findings that `gate` waives are marked."""
    findings = find_all(report, gate)
    suspects = list_suspects(report, detail)
    targets = tuple(suspect for suspect in suspects if suspect.is_target)
    universal = describe_universal(report, report.universal, detail)
    return ScanView(
        name=shorten_path(report.model.path),
        answer=make_answer(report.verdict.value, report.summary),
        hero=choose_hero(targets, universal) if report.verdict is Verdict.BACKDOORED else None,
        facts=tuple(_list_facts(report)),
        reasons=list_grounds(report),
        notes=report.notes,
        findings=findings,
        rules=tuple(dict.fromkeys(finding.rule for finding in findings)),
        chart=draw_labels(report) if report.labels else Markup(""),
        marks=list_marks(report),
        targets=targets,
        others=tuple(suspect for suspect in suspects if not suspect.is_target),
        universal=universal,
        parts=list_parts(report, detail),
        tests=list_tests(report),
        gaps=list_gaps(report),
        fates=list_fates(report),
        labels=tabulate_labels(report) if detail.tables and report.labels else None,
        preprocessing=describe_preprocessing(report.preprocessing),
        candidates=tuple(map(_describe_candidate, report.preprocessing.candidates)),
        provenance=describe_provenance(report, detail),
    )


def choose_hero(
    targets: tuple[Suspect, ...], universal: Universal | None, says: str = "the model calls"
) -> Captioned | None:
    """The picture beside the answer: the trigger as it acts; `says` begins what the model answers."""
    shown = universal.pictures if universal is not None else targets[0].pictures if targets else ()
    if not shown:
        return None
    works = [one for one in targets[0].comparisons if one.works] if targets else []
    if works:
        caption = f"With the trigger {says} this {works[0].triggered.caption}; without, {works[0].clean.caption}"
        return Captioned(works[0].triggered.picture, caption)
    return Captioned(shown[-1].picture, "The trigger found, on gray")


def describe_provenance(report: ScanReport, detail: Detail) -> Provenance:
    """Of a scan."""
    hashes = [Fact("Model, SHA-256", report.model.sha256), Fact("Clean samples, SHA-256", report.samples.sha256)]
    hashes += [Fact(f"Trigger of class {found.label}, SHA-256", found.digest) for found in report.triggers]
    return Provenance(
        commands.write_scan_command(report),
        commands.list_gaps(report),
        (
            *describe_files(report),
            Fact("Time", f"{format_duration(report.duration_seconds)} on {report.device}"),
            *([Fact("Memory", describe_memory(report.memory))] if report.memory is not None else []),
            *([Fact("Isolation", report.isolation)] if report.isolation else []),
        ),
        tuple(Fact(name, version) for name, version in report.versions.items()),
        tuple(hashes),
        write_settings(report.config) if detail.tables else Markup(""),
    )


def write_settings(config: dict[str, Any]) -> Markup:
    """All settings as JSON, cut where nobody reads on."""
    text = json.dumps(config, indent=1, default=str)
    return escape(text if len(text) <= LONGEST_SETTINGS else f"{text[:LONGEST_SETTINGS]}…")


def describe_files(report: ScanReport) -> Iterator[Fact]:
    """The model and the samples."""
    model, samples = report.model, report.samples
    kind = "synthetic" if samples.synthetic else "labeled" if samples.labeled else "without labels"
    yield Fact("Model", model.path)
    if report.origin is not None:
        yield Fact("Fetched", describe_origin(report.origin))
    if report.conversion is not None:
        yield Fact("Converted", describe_conversion(report.conversion))
    yield Fact("File", f"{model.bytes:,} bytes, opset {model.opset}, written by {model.producer or 'nobody named'}")
    yield Fact("Input", f"{model.input.name}: {name_input(report)}")
    yield Fact("Output", f"{model.output.name}: {model.output.classes:,} classes, {model.output.kind.value}")
    shown = f"{count(samples.count, 'image', 'images')}, {kind}, from {samples.source}{describe_range(samples)}"
    yield Fact("Clean samples", shown)


def name_targets(report: ScanReport, targets: tuple[int, ...]) -> str:
    """The first few, and how many more."""
    shown = shorten(name_labels(targets[:TARGETS_NAMED], report.class_names), 60)
    more = len(targets) - TARGETS_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _list_facts(report: ScanReport) -> Iterator[Fact]:
    targets = report.target_labels
    if targets:
        title = "Target class" if report.verdict is Verdict.BACKDOORED else "Most suspicious"
        yield Fact(title, name_targets(report, targets))
        kinds = dict.fromkeys(kind for label in targets for kind in list_kinds(report, label))
        yield Fact("Kind of trigger", ", ".join(TITLES[kind] for kind in kinds))
    found = next((one for label in targets for one in report.triggers if one.label == label), None)
    if found is not None:
        size = f"{found.mask_l1:.1f} {report.model.input.layout.unit}"
        yield Fact("Trigger", size, f"{format_share(min(1.0, found.mask_l1 / found.trigger.mask.size))} of the input")
        yield Fact("Works on", format_rate(found.success_rate), "of clean images that the search did not use (ASR)")
    yield Fact("Score", f"{report.score:.2f}", _describe_limits(report))
    compared = describe_comparison(report)
    if compared is not None and report.comparison is not None:
        yield Fact(
            "Among known models", f"p = {report.comparison.clean:.2f}, {report.comparison.backdoored:.2f}", compared
        )
    coverage = report.coverage
    yield Fact("Classes tested", f"{coverage.labels_finished:,} of {coverage.labels_asked:,}")
    kind = "synthetic" if report.samples.synthetic else "labeled" if report.samples.labeled else "without labels"
    yield Fact("Clean images", f"{report.samples.count:,}", kind)


def _describe_limits(report: ScanReport) -> str:
    clean = find_number(report.config, "detection", "verdict", "clean_below")
    return "above 0.5: backdoored" if clean is None else f"above 0.5: backdoored; below {clean:g}: clean"


def _describe_candidate(candidate: PreprocessingCandidate) -> tuple[str, str]:
    measures = {"accuracy": candidate.accuracy, "stability": candidate.stability, "diversity": candidate.diversity}
    shown = ", ".join(f"{name} {value:.2f}" for name, value in measures.items() if value is not None)
    return candidate.preprocessing.name, shown or "–"
