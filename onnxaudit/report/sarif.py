"""SARIF 2.1.0, the format that code scanning services read.

Such services keep an alert open from run to run by its fingerprint. Ours is made of the rule and the class alone: no
number, path or message that differs between two scans of one model is part of it. All findings of a model sit on line 1
of one file, and would be merged if the fingerprint that is called after the line did not tell them apart too.
"""

import json
import math
import os
import re
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from onnxaudit.findings.finding import Finding, describe_waiver, list_findings
from onnxaudit.findings.rules import RULES, Rule
from onnxaudit.findings.taxonomies import Taxon, Taxonomy
from onnxaudit.records import (
    DetectorInfo,
    Document,
    ErrorDocument,
    Gate,
    ModelInfo,
    Reason,
    RepairDocument,
    ScanDocument,
    ScanReport,
    name_original,
)
from onnxaudit.report.detectors import list_detectors
from onnxaudit.text import show_plainly

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TAXONOMIES = tuple(dict.fromkeys(taxon.taxonomy for rule in RULES for taxon in rule.taxa))
TAXA = {
    taxonomy: tuple(dict.fromkeys(taxon for rule in RULES for taxon in rule.taxa if taxon.taxonomy == taxonomy))
    for taxonomy in TAXONOMIES
}
ELSEWHERE = re.compile(r"(?:hf|s3)://|models:/")
HEX_DIGITS = 16  # of a line's fingerprint, as code scanning services compute it
ERROR_SEVERITY = 7.0  # of rules; from here on services call an alert high
_MESSAGE_ESCAPES = str.maketrans({"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"})


def to_sarif(document: Document) -> str:
    """The document as one run; a newline at its end."""
    models = _list_models(document)
    places = {(model.path, model.sha256): index for index, model in enumerate(models)}
    failures, gate = _list_failures(document), _find_gate(document)
    run = {
        "tool": {"driver": _describe_tool(document)},
        "invocations": [
            {
                "executionSuccessful": not failures,
                "toolExecutionNotifications": [{"level": "error", "message": _say(text)} for text in failures],
                **({} if gate is None else {"toolConfigurationNotifications": _list_doubtful_waivers(gate)}),
            }
        ],
        "taxonomies": [_describe_taxonomy(taxonomy) for taxonomy in TAXONOMIES],
        "artifacts": [_describe_model(model) | _describe_evidence(document, model) for model in models],
        "results": [
            _describe_finding(finding, places[finding.model.path, finding.model.sha256]) | _suppress(finding, gate)
            for finding in list_findings(document)
        ],
        **({} if gate is None else {"properties": _describe_gate(gate)}),
        "columnKind": "utf16CodeUnits",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False) + "\n"


def _list_models(document: Document) -> list[ModelInfo]:
    """Every model that was looked at, once."""
    match document:
        case ScanDocument():
            models = [report.model for report in document.reports]
        case RepairDocument():
            models = [report.scan.model for report in document.reports]
        case _:
            models = []
    return list({(model.path, model.sha256): model for model in models}.values())


def _list_failures(document: Document) -> list[str]:
    match document:
        case ErrorDocument():
            return [document.error]
        case ScanDocument():
            return [f"{failure.path}: {failure.error}" for failure in document.failures]
        case _:
            return []


def _find_gate(document: Document) -> Gate | None:
    return document.gate if isinstance(document, ScanDocument | RepairDocument) else None


def _list_doubtful_waivers(gate: Gate) -> list[dict[str, Any]]:
    return [
        {
            "level": "warning" if use.state == "expired" else "note",
            "message": _say(f"{use.state} waiver {use.waiver.fingerprint}: {describe_waiver(use.waiver)}"),
        }
        for use in gate.waivers
        if use.state != "used"
    ]


def _describe_gate(gate: Gate) -> dict[str, Any]:
    return {
        "policySha256": show_plainly(gate.policy_sha256),
        "softeners": [show_plainly(softener) for softener in gate.softeners],
        "outcomes": [decision.outcome for decision in gate.decisions],
    }


def _suppress(finding: Finding, gate: Gate | None) -> dict[str, Any]:
    """SARIF knows results as unsuppressed only where all of them say whether they are."""
    if gate is None:
        return {}
    waiver = finding.waiver
    if waiver is None:
        return {"suppressions": []}
    justification = show_plainly(describe_waiver(waiver))
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": justification}]}


def _describe_tool(document: Document) -> dict[str, Any]:
    """The tool in the version that made the reports, where there are any."""
    reports = document.reports if isinstance(document, ScanDocument | RepairDocument) else ()
    versions = [report.versions["onnxaudit"] for report in reports if "onnxaudit" in report.versions]
    return {
        "name": "onnxaudit",
        **({"version": show_plainly(versions[0])} if versions else {}),
        "supportedTaxonomies": [{"name": taxonomy.name, "index": index} for index, taxonomy in enumerate(TAXONOMIES)],
        "rules": [_describe_rule(rule) for rule in RULES],
    }


def _describe_taxonomy(taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "name": taxonomy.name,
        "organization": taxonomy.organization,
        **({"version": taxonomy.version} if taxonomy.version else {}),
        "informationUri": taxonomy.uri,
        "isComprehensive": False,
        "taxa": [
            {"id": taxon.id, "shortDescription": _say(taxon.name), "helpUri": taxon.uri} for taxon in TAXA[taxonomy]
        ],
    }


def _relate(taxon: Taxon) -> dict[str, Any]:
    """A finding is one case among those that the taxon is about."""
    component = {"name": taxon.taxonomy.name, "index": TAXONOMIES.index(taxon.taxonomy)}
    place = TAXA[taxon.taxonomy].index(taxon)
    return {"target": {"id": taxon.id, "index": place, "toolComponent": component}, "kinds": ["superset"]}


def _describe_rule(rule: Rule) -> dict[str, Any]:
    open_question = rule.kind == "open"
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": _say(rule.short + "."),
        "fullDescription": _say(rule.seen),
        "help": {
            "text": _protect("\n\n".join(f"{heading}: {text}" for heading, text in rule.sections.items())),
            "markdown": _protect("\n\n".join(f"**{heading}.** {text}" for heading, text in rule.sections.items())),
        },
        **({"relationships": list(map(_relate, rule.taxa))} if rule.taxa else {}),
        "defaultConfiguration": {"level": "none" if open_question else _rank(rule)},
        "properties": {
            "tags": ["security", "backdoor", "machine-learning", *(taxon.tag for taxon in rule.taxa)],
            "precision": "low" if open_question else "high",
            **({} if open_question else {"security-severity": f"{rule.severity:.1f}"}),
        },
    }


def _rank(rule: Rule) -> str:
    return "error" if rule.severity >= ERROR_SEVERITY else "warning"


def _describe_evidence(document: Document, model: ModelInfo) -> dict[str, Any]:
    """By detector the class that it finds closest, and how many times closer than is normal for the model that is."""
    reports = document.reports if isinstance(document, ScanDocument | RepairDocument) else ()
    scans = [report if isinstance(report, ScanReport) else report.scan for report in reports]
    scan = next((scan for scan in scans if scan.model == model), None)
    found = {} if scan is None else {info.id: _find_closest(scan, info) for info in list_detectors(scan)}
    return {"properties": {"evidence": found}} if found else {}


def _find_closest(scan: ScanReport, info: DetectorInfo) -> dict[str, Any]:
    ratios = {row.label: row.ratios[info.id] for row in scan.labels if info.id in row.ratios}
    label = max(ratios, key=lambda label: ratios[label])
    ratio = round(ratios[label], 4) if math.isfinite(ratios[label]) else None
    return {"title": show_plainly(info.title), "label": label, "ratio": ratio, "weighed": info.weighed}


def _describe_model(model: ModelInfo) -> dict[str, Any]:
    return {
        "location": {"uri": _to_uri(name_original(model.path))},
        "length": model.bytes,
        "hashes": {"sha-256": model.sha256},
        "roles": ["analysisTarget"],
    }


def _describe_finding(finding: Finding, artifact: int) -> dict[str, Any]:
    """A finding as a failure, or as a question left open, of level none: that gates nothing."""
    rule = finding.rule
    return {
        "ruleId": rule.id,
        "ruleIndex": RULES.index(rule),
        "kind": rule.kind,
        "level": "none" if rule.kind == "open" else _rank(rule),
        "message": _say(finding.message),
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _to_uri(name_original(finding.model.path)), "index": artifact},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [_locate(finding)],
            }
        ],
        "partialFingerprints": _identify(finding),
        "properties": {
            "score": _round(finding.score),
            **({"kind": finding.kind.value} if finding.kind else {}),
            **({"reasons": list(map(_describe_reason, finding.reasons))} if finding.reasons else {}),
        },
    }


def _describe_reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": show_plainly(reason.code),
        "seen": show_plainly(reason.seen),
        "numbers": {show_plainly(name): _round(number) for name, number in reason.numbers.items()},
        "advice": show_plainly(reason.advice),
    }


def _round(number: float) -> float | None:
    """JSON knows no number that is not finite; whole ones may be too large to be one of Python's floats."""
    return round(number, 4) if isinstance(number, int) or math.isfinite(number) else None


def _locate(finding: Finding) -> dict[str, str]:
    output = show_plainly(finding.model.output.name)
    if finding.label is None:
        return {"name": output, "fullyQualifiedName": output, "kind": "member"}
    return {"name": finding.place, "fullyQualifiedName": f"{output}/{finding.label}", "kind": "member"}


def _identify(finding: Finding) -> dict[str, str]:
    digest = finding.fingerprint
    return {"ruleAndLabel/v1": digest, "primaryLocationLineHash": f"{digest[:HEX_DIGITS]}:1"}


def _to_uri(path: str) -> str:
    """A relative reference, or a `file:` URI where the path is absolute; all that is not plain is escaped.

    An address of a model elsewhere is a URI already.
    """
    if ELSEWHERE.match(path):
        return quote(path.encode("utf-8", "backslashreplace"), safe="/:@%")
    escaped = quote(path.replace(os.sep, "/").encode("utf-8", "backslashreplace"), safe="/")
    absolute = escaped.startswith("/") or PurePath(path).is_absolute()
    return f"file:///{escaped.lstrip('/')}" if absolute else escaped


def _say(text: str) -> dict[str, str]:
    return {"text": _protect(show_plainly(text))}


def _protect(text: str) -> str:
    """No placeholder and no link: SARIF reads `{0}` and `[text](target)` in messages."""
    return text.translate(_MESSAGE_ESCAPES)
