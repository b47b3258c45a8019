"""The detectors whose evidence a report holds, in words."""

from onnxaudit.records import DetectorInfo, ScanReport
from onnxaudit.text import show_plainly


def list_detectors(report: ScanReport) -> tuple[DetectorInfo, ...]:
    """Those that compared any label, in the order in which they ran; reports of schema 1.0 know their ids alone."""
    measured = {name for row in report.labels for name in row.ratios}
    known = [run.detector for run in report.detectors if run.detector.id in measured]
    unknown = sorted(measured - {info.id for info in known})
    return (*known, *map(_make_up, unknown))


def _make_up(name: str) -> DetectorInfo:
    title = show_plainly(name.replace("-", " ").capitalize())
    return DetectorInfo(
        id=name,
        title=title,
        explanation=f"What the detector {show_plainly(name)} measures",
        stage="",
        subject=f"{title}:",
        closer="closer",
        farther="farther",
    )
