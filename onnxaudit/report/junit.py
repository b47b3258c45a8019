"""JUnit XML, the format in which build servers read test results: a suite for each model, a case for each finding.

A question left open is an error there, not a skipped test: servers show those as green. A finding that a policy waives
is skipped.
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from onnxaudit.findings.finding import Finding, describe_waiver, find_all
from onnxaudit.records import Document, ErrorDocument, Gate, RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.text import show_plainly

SUITE = "onnxaudit"


def to_junit(document: Document) -> str:
    """The document as XML; a newline at its end."""
    suites = ElementTree.Element("testsuites", name=SUITE)
    match document:
        case ErrorDocument():
            _add_failure(suites, SUITE, document.error)
        case ScanDocument() | RepairDocument():
            for report in document.reports:
                _add_report(suites, report, document.gate)
        case _:
            pass
    if isinstance(document, ScanDocument):
        for failure in document.failures:
            _add_failure(suites, failure.path, failure.error)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _add_report(suites: ElementTree.Element, report: ScanReport | RepairReport, gate: Gate | None) -> None:
    found = find_all(report, gate)
    path = report.model.path if isinstance(report, ScanReport) else report.scan.model.path
    live = [finding for finding in found if finding.waiver is None]
    failures = sum(finding.rule.kind == "fail" for finding in live)
    suite = _add_suite(suites, path, max(1, len(found)), failures, len(live) - failures)
    suite.set("skipped", str(len(found) - len(live)))
    suite.set("time", f"{report.duration_seconds:.3f}")
    answer = report.verdict.value if isinstance(report, ScanReport) else report.outcome
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", name="answer", value=answer)
    for name, value in _describe_gate(gate):
        ElementTree.SubElement(properties, "property", name=name, value=show_plainly(value))
    for finding in found:
        _add_finding(suite, report, finding)
    if not found:
        _add_case(suite, report, answer)


def _describe_gate(gate: Gate | None) -> Iterator[tuple[str, str]]:
    if gate is not None:
        yield "policy_sha256", gate.policy_sha256
        yield from (("softener", softener) for softener in gate.softeners)


def _add_finding(suite: ElementTree.Element, report: ScanReport | RepairReport, finding: Finding) -> None:
    rule = finding.rule
    case = _add_case(suite, report, " ".join(part for part in (rule.id, rule.name, finding.place) if part))
    if finding.waiver is not None:
        message = f"{describe_waiver(finding.waiver)}; {finding.message}"
        ElementTree.SubElement(case, "skipped", message=message)
        return
    kind = "failure" if rule.kind == "fail" else "error"
    outcome = ElementTree.SubElement(case, kind, type=rule.id, message=finding.message)
    codes = ", ".join(show_plainly(reason.code) for reason in finding.reasons)
    sections = {**rule.sections, **({"Reasons": codes} if codes else {})}
    outcome.text = "\n".join(f"{heading}: {text}" for heading, text in sections.items())


def _add_case(suite: ElementTree.Element, report: ScanReport | RepairReport, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=name, classname=f"{SUITE}.{report.kind}", time="0")


def _add_failure(suites: ElementTree.Element, name: str, message: str) -> None:
    suite = _add_suite(suites, name, 1, 0, 1)
    case = ElementTree.SubElement(suite, "testcase", name="run", classname=SUITE, time="0")
    ElementTree.SubElement(case, "error", type="error", message=show_plainly(message))


def _add_suite(suites: ElementTree.Element, name: str, tests: int, failures: int, errors: int) -> ElementTree.Element:
    suite = ElementTree.SubElement(suites, "testsuite", name=show_plainly(name), tests=str(tests))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    return suite
