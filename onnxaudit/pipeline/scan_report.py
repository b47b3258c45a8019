"""What came of a scan as its report: at its end, while it is under way, and where it could not begin."""

import hashlib
import time
from dataclasses import replace

from onnxaudit.errors import OutOfTimeError, RejectedError
from onnxaudit.pipeline.detection import begin_detection
from onnxaudit.pipeline.provenance import describe_config
from onnxaudit.pipeline.settings import ScanConfig
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import (
    Coverage,
    Detection,
    Irregularity,
    Preprocessing,
    PreprocessingChoice,
    Reason,
    SamplesInfo,
    ScanReport,
    Verdict,
)
from onnxaudit.report.wording import describe_open, summarize_rejection, summarize_scan
from onnxaudit.versions import list_versions


def report_scan(subject: Subject, found: Detection, config: ScanConfig, *, seed: int, start: float) -> ScanReport:
    """What was found, as a report; how its score compares is not in it."""
    unit = subject.model.info.input.layout.unit
    return ScanReport(
        verdict=found.assessment.verdict,
        score=found.assessment.score,
        target_labels=found.assessment.target_labels,
        summary=summarize_scan(found, subject.class_names, unit),
        reasons=found.assessment.reasons,
        labels=found.labels,
        triggers=found.triggers,
        preprocessing=subject.choice,
        coverage=found.coverage,
        model=subject.model.info,
        samples=subject.samples.info,
        class_names=subject.class_names,
        config=describe_config(replace(config, detection=config.detection.fill())),
        seed=seed,
        device=subject.device,
        versions=list_versions(),
        universal=found.universal,
        detectors=found.detectors,
        first_score=found.first_score,
        duration_seconds=round(time.monotonic() - start, 3),
        notes=subject.notes,
        caveats=found.assessment.caveats,
        parts=subject.parts,
        memory=subject.memory,
        quantization=subject.quantization,
    )


def replace_verdict(report: ScanReport, irregularities: tuple[Irregularity, ...]) -> ScanReport:
    """The report of a file that turned out to work against the scan, with all that the scan found."""
    return replace(
        report,
        verdict=Verdict.REJECTED,
        score=1.0,
        summary=summarize_rejection(irregularities),
        reasons=(*(one.says for one in irregularities), *report.reasons),
        irregularities=irregularities,
    )


def leave_open(report: ScanReport, reason: Reason) -> ScanReport:
    """The report without its verdict where that is clean; a backdoor that was found stays found."""
    caveats, reasons = (reason, *report.caveats), (reason.seen, *report.reasons)
    if report.verdict is not Verdict.CLEAN:
        return replace(report, reasons=reasons, caveats=caveats)
    summary = describe_open(caveats)
    return replace(report, verdict=Verdict.INCONCLUSIVE, summary=summary, reasons=reasons, caveats=caveats)


def report_unopened(
    late: OutOfTimeError, config: ScanConfig, doing: str, *, source: str, seed: int, start: float
) -> ScanReport:
    """The report of a scan whose time was up while the model was opened; `source` names the samples.

    Raises:
        OutOfTimeError: not even the model was read.
    """
    if late.info is None:
        raise late
    found = begin_detection(late.info.output.classes, doing)
    return ScanReport(
        verdict=found.assessment.verdict,
        score=found.assessment.score,
        target_labels=(),
        summary=summarize_scan(found),
        reasons=found.assessment.reasons,
        labels=found.labels,
        triggers=(),
        preprocessing=late.choice
        or PreprocessingChoice(Preprocessing(), "none", "the time was up before it was known"),
        coverage=found.coverage,
        model=late.info,
        samples=late.samples or _describe_unread(source),
        class_names=None,
        config=describe_config(replace(config, detection=config.detection.fill())),
        seed=seed,
        device="cpu",
        versions=list_versions(),
        duration_seconds=round(time.monotonic() - start, 3),
        caveats=found.assessment.caveats,
    )


def _describe_unread(source: str) -> SamplesInfo:
    return SamplesInfo(source, 0, False, False, hashlib.sha256().hexdigest())


def report_rejection(
    rejected: RejectedError, config: ScanConfig, *, source: str, seed: int, start: float
) -> ScanReport:
    """The report of a scan that ended because the file works against it; `source` names the samples."""
    unread = PreprocessingChoice(Preprocessing(), "none", "no image was read: the file was rejected before")
    return ScanReport(
        verdict=Verdict.REJECTED,
        score=1.0,
        target_labels=(),
        summary=summarize_rejection(rejected.irregularities),
        reasons=tuple(one.says for one in rejected.irregularities),
        labels=(),
        triggers=(),
        preprocessing=rejected.choice or unread,
        coverage=Coverage(rejected.info.output.classes, 0),
        model=rejected.info,
        samples=rejected.samples or _describe_unread(source),
        class_names=None,
        config=describe_config(config),
        seed=seed,
        device="cpu",
        versions=list_versions(),
        duration_seconds=round(time.monotonic() - start, 3),
        irregularities=rejected.irregularities,
        parts=rejected.parts,
    )
