"""What becomes of work whose process ended before it came to a result."""

from dataclasses import replace

from onnxaudit.cli.isolation import read_document
from onnxaudit.errors import WorkerError
from onnxaudit.findings.cause import Cause
from onnxaudit.findings.interruptions import WORKER_ENDS
from onnxaudit.isolation.worker import Ending
from onnxaudit.records import RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.report.wording import describe_open


def complain(ending: Ending, when: str) -> WorkerError:
    """The error of a worker that ended before anything was found out."""
    return WorkerError(f"the worker process {ending.words} {when} [{_find_cause(ending).code}]")


def keep_scan(ending: Ending) -> ScanReport | None:
    """What a scan had found when its worker ended, without a verdict; None: nothing."""
    document = None if ending.partial is None else read_document(ending.partial)
    if not isinstance(document, ScanDocument):
        return None
    (report,), reason = document.reports, _find_cause(ending).give(words=ending.words)
    report = replace(report, isolation=ending.held)
    caveats = (reason, *report.caveats)
    return replace(report, summary=describe_open(caveats), reasons=(reason.seen, *report.reasons), caveats=caveats)


def keep_repair(ending: Ending) -> RepairReport | None:
    """The scan that a repair began with, where its worker ended after that; None: nothing."""
    document = None if ending.partial is None else read_document(ending.partial)
    if not isinstance(document, RepairDocument):
        return None
    (report,), reason = document.reports, _find_cause(ending).give(words=ending.words)
    summary = f"Nothing was repaired: {reason.seen} Treat the model as before. {reason.advice}"
    return replace(report, outcome="inconclusive", met=False, summary=summary, reasons=(reason.seen, *report.reasons))


def _find_cause(ending: Ending) -> Cause:
    assert ending.how is not None
    return WORKER_ENDS[ending.how]
