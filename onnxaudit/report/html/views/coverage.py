"""What was tested and what was not, and what became of every label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnxaudit.findings.finding import rank_labels
from onnxaudit.records import LabelResult, LabelStatus, ScanReport
from onnxaudit.report.detectors import list_detectors
from onnxaudit.report.html.settings import find_setting
from onnxaudit.report.html.wording import NOT_TESTED, count, list_ranges, shorten
from onnxaudit.text import format_number, format_rate, name_label

FATES = {
    LabelStatus.SETTLED: "a trigger was found and its size settled",
    LabelStatus.UNREACHED: "no trigger of any size sends enough images there",
    LabelStatus.UNFINISHED: "not finished",
    LabelStatus.SCREENED: "no trigger was sought: the survey saw nothing in it, or that detector was left out",
}


@dataclass(frozen=True)
class Test:
    """One detector, and how many labels it measured."""

    what: str
    labels: str


@dataclass(frozen=True)
class Fate:
    """What became of some labels, and why."""

    what: str
    count: str
    labels: str
    reason: str


@dataclass(frozen=True)
class LabelRow:
    """One label in the table of all."""

    name: str
    is_target: bool
    size: str
    success: str
    ratios: tuple[str, ...]
    evidence: str
    index: str
    fate: str


@dataclass(frozen=True)
class LabelTable:
    """All labels, the most suspicious first; `detectors` are the headings of the ratios."""

    unit: str
    detectors: tuple[str, ...]
    rows: tuple[LabelRow, ...]


def list_tests(report: ScanReport) -> tuple[Test, ...]:
    """What was looked for, and at how many labels it was measured."""
    total = len(report.labels)
    tests = [
        Test(
            shorten(info.explanation, 200),
            f"{sum(info.id in row.ratios for row in report.labels):,} of {total:,} classes",
        )
        for info in list_detectors(report)
    ]
    all_finished = report.coverage.labels_finished == report.coverage.labels_asked
    if _sought_all_to_all(report) and all_finished:
        tests.append(Test("One small trigger that sends each class to a label of its own", "all classes together"))
    return tuple(tests)


def list_gaps(report: ScanReport) -> tuple[str, ...]:
    """What was not tested: first what this run left out, then what no run looks for."""
    return (*_list_own_gaps(report), *NOT_TESTED)


def _list_own_gaps(report: ScanReport) -> Iterator[str]:
    statuses = [row.status for row in report.labels]
    unfinished = max(statuses.count(LabelStatus.UNFINISHED), report.coverage.labels_asked - len(report.labels))
    if unfinished:
        yield f"{count(unfinished, 'class was', 'classes were')} not finished in this run."
    screened = statuses.count(LabelStatus.SCREENED)
    if screened:
        yield f"For {count(screened, 'class', 'classes')} no trigger was sought."
    if report.samples.synthetic:
        yield "Anything on real images: none were given, so that images made from noise were used."


def list_fates(report: ScanReport) -> tuple[Fate, ...]:
    """Labels grouped by what became of them and why."""
    groups: dict[tuple[LabelStatus, str], list[int]] = {}
    for row in sorted(report.labels, key=lambda row: row.label):
        reason = row.reason or report.coverage.reasons.get(row.label, "")
        groups.setdefault((row.status, reason), []).append(row.label)
    return tuple(
        Fate(FATES[status], count(len(labels), "class", "classes"), list_ranges(labels), reason)
        for (status, reason), labels in groups.items()
    )


def _sought_all_to_all(report: ScanReport) -> bool:
    """Reports of schema 1.0 name no detectors, and always have the setting."""
    ran = any(run.detector.id == "all-to-all" and run.complete for run in report.detectors)
    return ran or find_setting(report.config, "detection", "universal") is not None


def tabulate_labels(report: ScanReport) -> LabelTable:
    """Every label."""
    detectors = list_detectors(report)
    rows = tuple(_make_row(report, row, [info.id for info in detectors]) for row in rank_labels(report))
    titles = tuple(shorten(info.title, 40) for info in detectors)
    return LabelTable(report.model.input.layout.unit, titles, rows)


def _make_row(report: ScanReport, row: LabelResult, detectors: Sequence[str]) -> LabelRow:
    return LabelRow(
        name=shorten(name_label(row.label, report.class_names), 60),
        is_target=row.label in report.target_labels,
        size=format_number(row.mask_l1),
        success=format_rate(row.success_rate),
        ratios=tuple(format_number(ratio) for ratio in (row.ratios.get(name) for name in detectors)),
        evidence=format_number(row.log_odds),
        index=format_number(row.anomaly_index, 2),
        fate=row.role or row.status.value,
    )
