"""A bill of materials about one model: CycloneDX 1.6 in JSON, as its part for machine learning has it.

Source: the CycloneDX specification, https://cyclonedx.org/docs/1.6/json/. The model is a component of type
`machine-learning-model` with a model card, its external data files are components within it, and findings are
vulnerabilities that affect it. The verdict stands in properties, and as a claim with its evidence.

There is no attestation in it that a requirement is met: what a verdict is worth is for the policy's owner to say.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from onnxaudit.findings.finding import Finding, describe_waiver, find_all
from onnxaudit.findings.taxonomies import CWE
from onnxaudit.gate.statement import Statement
from onnxaudit.records import FileMetadata, Layout, ModelInfo, ScanDocument, ScanReport
from onnxaudit.text import show_plainly

SPEC_VERSION = "1.6"
MODEL, CLAIM, EVIDENCE = "model", "claim", "evidence"  # names within the document
BANDS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))  # least severity of each, as CVSS has them
FORMATS = {
    Layout.NC: "features",
    Layout.NCW: "time-series",
    Layout.NWC: "time-series",
}  # of an input; others are images
LONGEST = 1000  # characters of one text of the file's author
MOST_NOTES = 100


def make_bom(statement: Statement, document: ScanDocument, metadata: FileMetadata) -> bytes:
    """The bill of materials about the one model of a scan, as UTF-8 with a newline at its end.

    Args:
        statement: about the same model: digests, verdict and outcome.
        document: the scan's, with what the policy made of it.
        metadata: of the model's file.
    """
    (report,) = document.reports
    created = statement.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    findings = find_all(report, document.gate)
    plain = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        # The same statement always has the same number, another one never.
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, statement.to_json().decode()).urn,
        "version": 1,
        "metadata": {
            "timestamp": created,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [{"type": "application", "name": "onnxaudit", "version": statement.version}]},
        },
        "components": [_describe_model(statement, report, metadata)],
        "dependencies": [
            {"ref": MODEL, "dependsOn": [_name_data(number) for number in range(len(statement.data_sha256))]}
        ],
        "vulnerabilities": [_describe_finding(finding, number) for number, finding in enumerate(findings)],
        "declarations": _declare(statement, report, created),
    }
    return (json.dumps(plain, indent=2) + "\n").encode()


def _describe_model(statement: Statement, report: ScanReport, metadata: FileMetadata) -> dict[str, Any]:
    notes = {key.lower(): _cut(value) for key, value in metadata.notes.items() if value}
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": show_plainly(statement.name),
        **({"version": str(metadata.version)} if metadata.version else {}),
        **({"description": _cut(metadata.description)} if metadata.description else {}),
        **({"authors": [{"name": notes["model_author"]}]} if "model_author" in notes else {}),
        **({"licenses": [{"license": {"name": notes["model_license"]}}]} if "model_license" in notes else {}),
        "hashes": _list_hashes(statement.model_sha256),
        "components": [
            {"type": "file", "bom-ref": _name_data(number), "name": show_plainly(name), "hashes": _list_hashes(digest)}
            for number, (name, digest) in enumerate(statement.data_sha256.items())
        ],
        "modelCard": _describe_use(report.model),
        "properties": _list_properties(
            (*_describe_outcome(statement, report), *_describe_interface(report), *_describe_file(metadata))
        ),
    }


def _describe_use(model: ModelInfo) -> dict[str, Any]:
    return {
        "modelParameters": {
            "task": "classification",
            "inputs": [{"format": FORMATS.get(model.input.layout, "image")}],
            "outputs": [{"format": model.output.kind.value}],
        }
    }


def _describe_outcome(statement: Statement, report: ScanReport) -> Iterable[tuple[str, str]]:
    yield "onnxaudit:verdict", statement.verdict
    yield "onnxaudit:outcome", statement.outcome
    yield "onnxaudit:score", f"{report.score:.4f}"
    yield from (("onnxaudit:softener", softener) for softener in statement.softeners)
    yield from (("onnxaudit:reason", code) for code in dict.fromkeys(one.code for one in report.caveats))
    yield "onnxaudit:policy:sha256", statement.policy_sha256
    yield "onnxaudit:report:sha256", statement.report_sha256


def _describe_interface(report: ScanReport) -> Iterable[tuple[str, str]]:
    taken, given = report.model.input, report.model.output
    sizes = taken.shape(taken.batch or 1)[1:]
    yield "onnxaudit:input:name", taken.name
    yield "onnxaudit:input:type", taken.dtype.value
    yield "onnxaudit:input:layout", taken.layout.value
    yield "onnxaudit:input:shape", ",".join(map(str, (taken.batch or "batch", *sizes)))
    yield "onnxaudit:preprocessing", report.preprocessing.preprocessing.name
    yield "onnxaudit:output:name", given.name
    yield "onnxaudit:output:classes", str(given.classes)


def _describe_file(metadata: FileMetadata) -> Iterable[tuple[str, str]]:
    yield "onnx:producer", metadata.producer
    yield "onnx:domain", metadata.domain
    yield "onnx:ir_version", str(metadata.ir_version)
    yield from ((f"onnx:opset:{domain or 'ai.onnx'}", str(version)) for domain, version in metadata.opsets.items())
    yield from ((f"onnx:metadata:{key}", value) for key, value in list(metadata.notes.items())[:MOST_NOTES])


def _describe_finding(finding: Finding, number: int) -> dict[str, Any]:
    rule, is_found = finding.rule, finding.rule.kind == "fail"
    weaknesses = [int(taxon.id.removeprefix("CWE-")) for taxon in rule.taxa if taxon.taxonomy is CWE]
    rating: dict[str, Any] = {"severity": "unknown"}
    if is_found:
        band = next(name for least, name in BANDS if rule.severity >= least)
        rating = {"score": rule.severity, "severity": band, "method": "other"}
    waived = {"response": ["will_not_fix"], "detail": describe_waiver(finding.waiver)} if finding.waiver else {}
    return {
        "bom-ref": f"finding-{number}",
        "id": rule.id,
        "source": {"name": "onnxaudit"},
        "ratings": [{"source": {"name": "onnxaudit"}, **rating}],
        **({"cwes": weaknesses} if weaknesses else {}),
        "description": finding.message,
        "detail": f"{rule.seen} {rule.gain} {rule.certainty}",
        "recommendation": rule.advice,
        "analysis": {"state": "exploitable" if is_found else "in_triage", **waived},
        "affects": [{"ref": MODEL}],
        "properties": _list_properties(
            [
                ("onnxaudit:fingerprint", finding.fingerprint),
                *(("onnxaudit:taxon", taxon.full_id) for taxon in rule.taxa),
                *(("onnxaudit:reason", reason.code) for reason in finding.reasons),
            ]
        ),
    }


def _declare(statement: Statement, report: ScanReport, created: str) -> dict[str, Any]:
    claim = {
        "bom-ref": CLAIM,
        "target": MODEL,
        "predicate": f"The scan's verdict is {statement.verdict}; by the policy its outcome is {statement.outcome}.",
        "reasoning": _cut(report.summary),
        "evidence": [EVIDENCE],
    }
    kind = "synthetic images" if report.samples.synthetic else "clean images"
    evidence = {
        "bom-ref": EVIDENCE,
        "propertyName": "onnxaudit:report:sha256",
        "description": (
            f"Triggers were sought for {report.coverage.labels_finished} of {report.coverage.labels_asked} classes on "
            f"{report.samples.count} {kind}; the JSON report with SHA-256 {statement.report_sha256} holds them."
        ),
        "created": created,
    }
    return {"claims": [claim], "evidence": [evidence]}


def _list_hashes(sha256: str) -> list[Mapping[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _list_properties(named: Iterable[tuple[str, str]]) -> list[Mapping[str, str]]:
    """Those that have a value."""
    return [{"name": _cut(name), "value": _cut(value)} for name, value in named if value]


def _name_data(number: int) -> str:
    return f"data-{number}"


def _cut(text: str) -> str:
    return show_plainly(text[:LONGEST])
