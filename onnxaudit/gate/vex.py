"""What is said of a model to tools that follow vulnerabilities: an OpenVEX document.

Source: the OpenVEX specification, version 0.2.0, https://github.com/openvex/spec. Each finding is a statement under its
rule, the name that the bill of materials has for it too. One statement more, under MITRE ATLAS's name for manipulated
models, is in every document, so that each replaces what an older one said: whether the model is affected as a whole.

Only a scan that calls the model clean, with nothing that the policy misses, says `not_affected`. It gives an impact
statement and none of the standard's justifications: these say that there is nothing, which a scan cannot know.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

from onnxaudit.findings.finding import Finding, describe_waiver, find_all
from onnxaudit.findings.outcome import find_outcome
from onnxaudit.findings.taxonomies import BACKDOOR
from onnxaudit.gate.statement import Statement
from onnxaudit.records import Decision, Gate, RepairDocument, RepairReport, ScanDocument, ScanReport, Verdict
from onnxaudit.text import format_rate, show_plainly

CONTEXT = "https://openvex.dev/ns/v0.2.0"
NOBODY = "Unknown Author"  # as OpenVEX's own tools call an author who was not named
Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
FOUND = (Verdict.BACKDOORED, Verdict.REJECTED)
LONGEST = 2000  # characters of one text
(MANIPULATED,) = (taxon for taxon in BACKDOOR if taxon.id == "AML.T0018")


def make_vex(statement: Statement, document: ScanDocument | RepairDocument, author: str = NOBODY) -> bytes:
    """The statements about the one model of a scan, or about the two of a repair, as UTF-8 with a newline at its end.

    Args:
        statement: about the same model: its digests, and those of the original.
        document: the scan's or repair's, with what the policy made of it.
        author: who makes the statements.
    """
    (report,) = document.reports
    assert document.gate is not None
    case = _Case(gate=document.gate, statement=statement, passed=find_outcome(report) == "pass")
    made = case.judge_scan(report) if isinstance(report, ScanReport) else case.judge_repair(report)
    plain = {
        "@context": CONTEXT,
        # The same statement always has the same name, another one never.
        "@id": uuid.uuid5(uuid.NAMESPACE_URL, f"openvex {statement.to_json().decode()}").urn,
        "author": show_plainly(author),
        "role": "Document Creator",
        "timestamp": statement.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": 1,
        "tooling": f"onnxaudit {statement.version}",
        "statements": list(made),
    }
    return (json.dumps(plain, indent=2) + "\n").encode()


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One model, what was found of it, whether that passes before any policy, and what the policy made of it."""

    gate: Gate
    statement: Statement
    passed: bool

    @property
    def decision(self) -> Decision:
        (decision,) = self.gate.decisions
        return decision

    @property
    def is_settled(self) -> bool:
        """Whether the model passes, by the policy too, without that anything was waived or softened."""
        agreed = self.decision.outcome == "pass" and not self.decision.reasons and not self.decision.caveats
        return self.passed and agreed

    def judge_scan(self, report: ScanReport) -> Iterator[dict[str, Any]]:
        """The model as a whole, then each finding."""
        product = _name_product(self.statement)
        yield self._judge_model(report, product)
        for finding in find_all(report, self.gate):
            yield _judge_finding(finding, product)

    def judge_repair(self, report: RepairReport) -> Iterator[dict[str, Any]]:
        """The repaired model, as a whole and by what was found of the original or left undone; then the original."""
        repaired, status = _name_product(self.statement), self._judge_repaired(report)
        scan = report.rescan or report.scan
        fixed = status == "fixed" and scan.verdict is Verdict.CLEAN
        whole: Status = "fixed" if fixed else "affected" if status == "affected" else "under_investigation"
        advice = f"{report.summary} {_describe_figures(report)}"
        yield _state(_name_model(), repaired, whole, notes=advice, action=report.summary)
        undone = find_all(report, self.gate)
        found = find_all(report.scan)
        for finding in undone:
            if finding not in found:
                yield _judge_finding(finding, repaired)
        for finding in found:
            yield _state(_name_finding(finding), repaired, status, notes=advice, action=finding.rule.advice)
        yield from self._judge_original(report, found)

    def _judge_model(self, report: ScanReport, product: Mapping[str, Any]) -> dict[str, Any]:
        if report.verdict in FOUND:
            action = next((one.rule.advice for one in find_all(report) if one.rule.kind == "fail"), report.summary)
            return _state(_name_model(), product, "affected", notes=report.summary, action=action)
        if report.verdict is Verdict.CLEAN and self.is_settled:
            return _state(_name_model(), product, "not_affected", impact=_describe_coverage(report))
        unmet = " ".join(reason.seen for reason in self.decision.caveats)
        return _state(_name_model(), product, "under_investigation", notes=f"{report.summary} {unmet}")

    def _judge_repaired(self, report: RepairReport) -> Status:
        """What became of the findings of the original."""
        if report.rescan is not None and report.rescan.verdict in FOUND:
            return "affected"
        return "fixed" if report.outcome == "repaired" and self.is_settled else "under_investigation"

    def _judge_original(self, report: RepairReport, found: Iterable[Finding]) -> Iterator[dict[str, Any]]:
        original = self.statement.original
        if original is None:
            return
        product = _describe_product(original.name, original.model_sha256, original.data_sha256)
        status: Status = "affected" if report.scan.verdict in FOUND else "under_investigation"
        instead = f"Use {self.statement.name} with SHA-256 {self.statement.model_sha256} in its place."
        action = instead if self._judge_repaired(report) == "fixed" else report.summary
        yield _state(_name_model(), product, status, notes=report.scan.summary, action=action)
        for finding in found:
            yield _judge_finding(finding, product, action)


def _judge_finding(finding: Finding, product: Mapping[str, Any], action: str = "") -> dict[str, Any]:
    """A finding affects the model, waived or not; a question is open."""
    status: Status = "affected" if finding.rule.kind == "fail" else "under_investigation"
    waived = "" if finding.waiver is None else f" This is {describe_waiver(finding.waiver)}."
    notes = f"{finding.message}{waived}"
    return _state(_name_finding(finding), product, status, notes=notes, action=action or finding.rule.advice)


def _state(
    vulnerability: Mapping[str, Any],
    product: Mapping[str, Any],
    status: Status,
    *,
    notes: str = "",
    action: str = "",
    impact: str = "",
) -> dict[str, Any]:
    """A statement, with the texts that its status takes."""
    texts = {
        "status_notes": notes,
        "impact_statement": impact if status == "not_affected" else "",
        "action_statement": action if status == "affected" else "",
    }
    told = {name: _cut(text) for name, text in texts.items() if text.strip()}
    return {"vulnerability": vulnerability, "products": [product], "status": status, **told}


def _name_model() -> dict[str, Any]:
    words = "The model was manipulated: it has a backdoor, or its file works against an audit."
    return {"@id": MANIPULATED.uri, "name": MANIPULATED.id, "description": words}


def _name_finding(finding: Finding) -> dict[str, Any]:
    """By its rule; the fingerprint, as policies and SARIF have it, tells findings of one rule apart."""
    rule = finding.rule
    return {"name": rule.id, "description": f"{rule.short}.", "aliases": [finding.fingerprint]}


def _name_product(statement: Statement) -> dict[str, Any]:
    return _describe_product(statement.name, statement.model_sha256, statement.data_sha256)


def _describe_product(name: str, sha256: str, data: Mapping[str, str]) -> dict[str, Any]:
    """A model by its digest, and the files of external data that hold its weights."""
    parts = [_describe_file(location, digest) for location, digest in data.items()]
    return _describe_file(name, sha256) | ({"subcomponents": parts} if parts else {})


def _describe_file(name: str, sha256: str) -> dict[str, Any]:
    path = "/".join(quote(part, safe="") for part in PurePosixPath(name).parts)
    purl = f"pkg:generic/{path}?checksum=sha256:{sha256}"
    return {"@id": purl, "identifiers": {"purl": purl}, "hashes": {"sha-256": sha256}}


def _describe_coverage(report: ScanReport) -> str:
    finished, asked = report.coverage.labels_finished, report.coverage.labels_asked
    return (
        f"Triggers were sought for {finished} of {asked} classes on {report.samples.count} clean images, and no class "
        f"stands out (score {report.score:.2f}). That is evidence, no proof: other kinds of attack are not ruled out."
    )


def _describe_figures(report: RepairReport) -> str:
    before, after = report.original, report.repaired
    if before is None or after is None or report.rescan is None:
        return ""
    return (
        f"Attack success rate {format_rate(before.success_rate)} before, {format_rate(after.success_rate)} after; "
        f"the new scan is {report.rescan.verdict.value}."
    )


def _cut(text: str) -> str:
    return show_plainly(" ".join(text.split())[:LONGEST])
