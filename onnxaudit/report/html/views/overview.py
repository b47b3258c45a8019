"""One line for each model of a run."""

from dataclasses import dataclass

from onnxaudit.records import Document, RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.report.html.views.gate import DecisionLine, describe_decision, find_gate
from onnxaudit.report.html.views.parts import make_answer
from onnxaudit.report.html.wording import ANSWERS, shorten_path

MOST = 2000  # lines; a run of more models has its JSON


@dataclass(frozen=True)
class Entry:
    """One model: its answer, the first sentence about it, what the policy made of that, and the page about it."""

    name: str
    word: str
    kind: str
    lead: str
    decision: DecisionLine | None = None
    link: str = ""


def list_entries(document: Document) -> tuple[Entry, ...]:
    """In the order of the run; models that could not be scanned last."""
    if not isinstance(document, ScanDocument | RepairDocument):
        return ()
    gate = find_gate(document)
    reports: tuple[ScanReport | RepairReport, ...] = document.reports[:MOST]
    entries = [_make_entry(report, describe_decision(gate, number)) for number, report in enumerate(reports)]
    failures = document.failures[:MOST] if isinstance(document, ScanDocument) else ()
    word, kind = ANSWERS["error"]
    return (*entries, *(Entry(shorten_path(failure.path), word, kind, failure.error) for failure in failures))


def _make_entry(report: ScanReport | RepairReport, decision: DecisionLine | None) -> Entry:
    if isinstance(report, ScanReport):
        name, answer = shorten_path(report.model.path), make_answer(report.verdict.value, report.summary)
    else:
        name, answer = shorten_path(report.scan.model.path), make_answer(report.outcome, report.summary)
    return Entry(name, answer.word, answer.kind, answer.lead, decision)
