"""Markdown for the summary of a build job: the answer, what it rests on, and what to do."""

import re
from collections.abc import Iterator

from onnxaudit.findings.caveats import list_grounds
from onnxaudit.findings.finding import Finding, describe_waiver, find_all, rank_labels
from onnxaudit.records import (
    Document,
    ErrorDocument,
    Gate,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanReport,
)
from onnxaudit.report.copies import HEADINGS as HEADINGS_OF_COPIES
from onnxaudit.report.copies import CopyTable, compare_copies
from onnxaudit.report.forgetting import describe_forgetting
from onnxaudit.report.measures import list_measures
from onnxaudit.report.trade_off import HEADINGS, find_front, list_row
from onnxaudit.report.wording import describe_conversion, describe_origin
from onnxaudit.text import format_duration, format_number, format_rate, name_label, show_plainly

LABELS_SHOWN = 8
SIGNS = {
    "clean": "✅",
    "repaired": "✅",
    "nothing to repair": "✅",
    "backdoored": "❌",
    "rejected": "❌",
    "incomplete": "❌",
}
OPEN = "❔"

_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+!|~$^]|^[-=.:]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}


def to_markdown(document: Document) -> str:
    """The document as GitHub's Markdown; a newline at its end."""
    match document:
        case ErrorDocument():
            parts = [_describe_failure("onnxaudit", document.error)]
        case ScanDocument() | RepairDocument():
            parts = ["\n".join(_describe(report, document.gate)) for report in document.reports]
        case _:
            parts = []
    if isinstance(document, ScanDocument):
        parts += [_describe_failure(failure.path, failure.error) for failure in document.failures]
        parts += ["\n".join(_compare_copies(table)) for table in compare_copies(document)]
    if isinstance(document, ScanDocument | RepairDocument) and document.gate is not None:
        parts.append("\n".join(_describe_gate(document.gate)))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def escape(text: str) -> str:
    """`text` on one line with nothing in it that Markdown or HTML would act on, no link or mention either."""
    plain = _SPECIAL.sub(r"\\\g<0>", show_plainly(text))
    for mark, entity in _ENTITIES.items():
        plain = plain.replace(mark, entity)
    return plain


def _describe(report: ScanReport | RepairReport, gate: Gate | None) -> Iterator[str]:
    scan = report if isinstance(report, ScanReport) else report.scan
    answer = report.verdict.value if isinstance(report, ScanReport) else report.outcome
    yield f"## {SIGNS.get(answer, OPEN)} {answer.capitalize()}: {escape(scan.model.path)}"
    yield ""
    yield escape(report.summary)
    yield ""
    yield from _list_findings(find_all(report, gate))
    yield from _tabulate_labels(report) if isinstance(report, ScanReport) else _tabulate_measurements(report)
    yield ""
    for ground in list_grounds(report):
        yield f"- {f'**{escape(ground.code)}**: ' if ground.code else ''}{escape(ground.sentence)}"
    yield ""
    yield (
        f"score {scan.score:.2f}, {scan.coverage.labels_finished} of {scan.coverage.labels_asked} labels finished, "
        f"{scan.samples.count} clean images, seed {report.seed}, {format_duration(report.duration_seconds)}, sha256 "
        f"{escape(scan.model.sha256)}"
    )
    if scan.origin is not None:
        yield ""
        yield f"fetched: {escape(describe_origin(scan.origin))}"
    if scan.conversion is not None:
        yield ""
        yield f"converted: {escape(describe_conversion(scan.conversion))}"


def _describe_gate(gate: Gate) -> Iterator[str]:
    yield f"policy sha256 {escape(gate.policy_sha256)}"
    yield ""
    yield from (f"- **softened**: {escape(softener)}" for softener in gate.softeners)
    for decision in gate.decisions:
        if decision.reasons:
            yield f"- outcome {decision.outcome}: {escape(' '.join(decision.reasons))}"
    for use in gate.waivers:
        if use.state != "used":
            yield f"- {use.state} waiver: {escape(describe_waiver(use.waiver))}"


def _list_findings(found: tuple[Finding, ...]) -> Iterator[str]:
    for finding in found:
        waived = "" if finding.waiver is None else f" ({escape(describe_waiver(finding.waiver))})"
        known_by = f" Fingerprint `{finding.fingerprint}`." if finding.rule.waivable else ""
        yield f"- **{finding.rule.id} {finding.rule.name}**: {escape(finding.message)}{known_by}{waived}"
    if found:
        yield ""
        for rule in dict.fromkeys(finding.rule for finding in found):
            yield f"<details><summary>What {rule.id} means and what to do</summary>"
            yield ""
            yield from (f"**{heading}.** {text}  " for heading, text in rule.sections.items())
            yield ""
            yield "</details>"
            yield ""


def _compare_copies(compared: CopyTable) -> Iterator[str]:
    yield f"## Copies in 8-bit integers: {escape(compared.name)}"
    yield ""
    yield f"| {' | '.join(HEADINGS_OF_COPIES)} |"
    yield "|---|---|---:|---|"
    yield from (f"| {' | '.join(map(escape, row))} |" for row in compared.rows)
    yield ""
    yield escape(compared.remark)


def _tabulate_labels(report: ScanReport) -> Iterator[str]:
    yield f"| class | {report.model.input.layout.unit} | success | log-odds |"
    yield "|---|---:|---:|---:|"
    for row in rank_labels(report)[:LABELS_SHOWN]:
        name = escape(name_label(row.label, report.class_names))
        size, odds = format_number(row.mask_l1), format_number(row.log_odds)
        yield f"| {name} | {size} | {format_rate(row.success_rate)} | {odds} |"


def _tabulate_measurements(report: RepairReport) -> Iterator[str]:
    columns = {"original": report.original, "pruned": report.pruned_only, "repaired": report.repaired}
    measured = {name: value for name, value in columns.items() if value is not None}
    if not measured:
        return
    yield f"| on held-out images | {' | '.join(measured)} |"
    yield "|---|" + "---:|" * len(measured)
    for measure, rates in list_measures(tuple(measured.values())):
        yield f"| {measure.heading} | {' | '.join(map(format_rate, rates))} |"
    yield ""
    yield from _tabulate_candidates(report)
    yield from (f"- **forgetting**: {escape(describe_forgetting(found))}" for found in report.forgetting)


def _tabulate_candidates(report: RepairReport) -> Iterator[str]:
    """The candidates worth choosing from, where a limit was missed and there is a choice."""
    front = find_front(report.candidates)
    if report.outcome == "incomplete" and len(front) > 1:
        yield f"| {' | '.join(HEADINGS)} |"
        yield "|---|" + "---:|" * (len(HEADINGS) - 1)
        yield from (f"| {' | '.join(list_row(one))} |" for one in front)
        yield ""


def _describe_failure(name: str, message: str) -> str:
    return f"## ❌ Error: {escape(name)}\n\n{escape(message)}"
