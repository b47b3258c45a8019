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
    return OF_VERDICT[report.verdict] if isinstance(report, ScanReport) else OF_REPAIR[report.outcome]
