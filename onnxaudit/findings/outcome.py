"""What a report comes to before any policy: pass, fail, or nothing decided."""

from typing import Literal

from onnxaudit.records import RepairReport, ScanReport, Verdict

Outcome = Literal["pass", "fail", "inconclusive"]

OF_VERDICT: dict[Verdict, Outcome] = {
    Verdict.CLEAN: "pass",
    Verdict.BACKDOORED: "fail",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.REJECTED: "fail",
}
OF_REPAIR: dict[str, Outcome] = {
    "repaired": "pass",
    "nothing to repair": "pass",
    "incomplete": "fail",
    "inconclusive": "inconclusive",
}


def find_outcome(report: ScanReport | RepairReport) -> Outcome:
    """The outcome of one report."""
    if isinstance(report, ScanReport):
        return OF_VERDICT[report.verdict]
    return "inconclusive" if is_left_open(report) else OF_REPAIR[report.outcome]


def is_left_open(report: RepairReport) -> bool:
    """Whether suspects are repaired, but the new scan is as open as the one before: that clears no model."""
    cleared = report.rescan is not None and report.rescan.verdict is Verdict.CLEAN
    return report.suspected and report.outcome == "repaired" and not cleared
