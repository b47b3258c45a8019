"""The JSON report: the record classes themselves, written and read by pydantic."""

import json
import math
import re
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from onnxaudit.errors import DataError
from onnxaudit.records import (
    SCHEMA_VERSION,
    ConversionDocument,
    DetectorsDocument,
    DiagnosisDocument,
    Document,
    ErrorDocument,
    InputSpec,
    InspectionDocument,
    Layout,
    ProfileDocument,
    RepairDocument,
    ScanDocument,
    ScanReport,
    Trigger,
)
from onnxaudit.report.older_schemas import upgrade

KINDS: tuple[tuple[str, type[Document]], ...] = (  # documents that a field tells
    ("inspection", InspectionDocument),
    ("checks", DiagnosisDocument),
    ("detectors", DetectorsDocument),
    ("conversion", ConversionDocument),
    ("error", ErrorDocument),
)


class _WrittenSchema(GenerateJsonSchema):
    """What we write has every field, those with defaults too."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        del field, total
        return True


def to_json(document: Document) -> str:
    """The document as text with a newline at its end, the same for equal documents.

    Keys stand in the order of the record classes. Numbers that are not finite become null, and what UTF-8
    cannot hold (file names may) is escaped.
    """
    return _write(_to_plain(document))


def from_json(text: str | bytes) -> Document:
    """The document that `to_json` wrote.

    Raises:
        DataError: not a report of ours, of a later schema, or damaged.
    """
    try:
        plain = json.loads(text)
        _check_version(plain)
        plain = upgrade(plain)
        document = TypeAdapter[Document](_kind_of(plain)).validate_python(plain)
    except ValidationError as error:
        raise DataError(f"the report is damaged: {_describe(error)}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"not a report of onnxaudit: {str(error) or 'it is nested too deeply'}") from error
    _check_triggers(document)
    _check_gate(document)
    return document


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of everything that `to_json` writes."""
    body = TypeAdapter[Any](Document).json_schema(mode="serialization", schema_generator=_WrittenSchema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"onnxaudit report, schema {SCHEMA_VERSION}",
        **body,
    }


def schema_to_json() -> str:
    """`schema` as text with a newline at its end."""
    return _write(schema())


def canonical(document: Document) -> str:
    """`to_json` without times and paths: equal for two runs that found the same."""
    plain = _to_plain(document)
    plain.pop("run", None)
    for report in plain.get("reports", ()):
        _forget_run(report)
    for failure in plain.get("failures", ()):
        failure.clear()
    for setting in (plain.get("gate") or {}).get("settings", ()):
        setting.pop("origin")
        setting.pop("locked")
    return _write(plain)


def _forget_run(report: dict[str, Any]) -> None:
    """Drop what differs between equal runs, in scans within repairs too."""
    report.pop("duration_seconds", None)
    report.pop("isolation", None)
    report.pop("memory", None)
    report.pop("origin", None)
    report.pop("conversion", None)
    report.pop("output", None)
    for run in report.get("detectors", ()):
        run.pop("cpu_seconds")
    report.get("model", {}).pop("path", None)
    report.get("samples", {}).pop("source", None)
    for part in (report.get("scan"), report.get("rescan")):
        if part is not None:
            _forget_run(part)


def _to_plain(document: Document) -> dict[str, Any]:
    adapter = TypeAdapter[Document](type(document))
    plain = adapter.dump_python(document, mode="json", warnings=False, fallback=_unwrap)
    return {"schema_version": plain.pop("schema_version"), **_clean(plain)}


def _unwrap(value: Any) -> Any:
    """Numpy's scalars as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a report")


def _clean(value: Any) -> Any:
    match value:
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case _:
            return value


def _write(plain: dict[str, Any]) -> str:
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


def _check_version(plain: Any) -> None:
    """Minor versions only add; a later major version would be misread."""
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    parts = re.fullmatch(r"(\d{1,4})\.\d{1,4}", version) if isinstance(version, str) else None
    if parts is None:
        raise ValueError("it names no schema_version")
    if int(parts[1]) > int(SCHEMA_VERSION.split(".")[0]):
        raise DataError(f"the report has schema {version}, newer than {SCHEMA_VERSION}: upgrade onnxaudit")


def _kind_of(plain: dict[str, Any]) -> type[Document]:
    """Which document this is, told by the first report in it."""
    if "profile" in plain:
        return ProfileDocument
    for field, kind in KINDS:
        if field in plain:
            return kind
    match plain.get("reports"):
        case [{"kind": "repair"}, *_]:
            return RepairDocument
        case _:
            return ScanDocument


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "document"
    return f"{place}: {first['msg']}"


def _check_triggers(document: Document) -> None:
    """A trigger must be what its digest says, in the shape of the model's input."""
    reports = document.reports if isinstance(document, ScanDocument | RepairDocument) else ()
    for report in reports:
        scans = (report,) if isinstance(report, ScanReport) else (report.scan, report.rescan)
        for scan in scans:
            if scan is not None:
                _check_scan(scan)


def _check_gate(document: Document) -> None:
    """A policy's part speaks of each report."""
    if not isinstance(document, ScanDocument | RepairDocument) or document.gate is None:
        return
    if len(document.gate.decisions) != len(document.reports):
        raise DataError("the report is damaged: it does not hold one decision for each report")


def _fits(trigger: Trigger, spec: InputSpec) -> bool:
    size = spec.height, spec.width
    return (trigger.mask.shape, trigger.pattern.shape) == ((1, *size), (spec.channels, *size))


def _check_scan(scan: ScanReport) -> None:
    spec = scan.model.input
    if min(spec.channels, spec.height, spec.width) < 1:
        raise DataError("the report is damaged: the model's input holds nothing")
    for finding in scan.triggers:
        if not _fits(finding.trigger, spec) or finding.trigger.digest != finding.digest:
            raise DataError(f"the report is damaged: the trigger of label {finding.label} is not the one it names")
    if scan.universal is not None and not _fits(scan.universal.trigger, spec):
        raise DataError("the report is damaged: the trigger that moves every class does not fit the model's input")
    shape = spec.channels, spec.height, spec.width
    if any(part.proof is not None and part.proof.change.shape != shape for part in scan.parts):
        raise DataError("the report is damaged: an image that wakes a part of the graph does not fit the model's input")
    bounds = scan.preprocessing.preprocessing.bounds
    if spec.layout is Layout.NC and len(bounds) != spec.width:
        raise DataError(f"the report is damaged: it names the ranges of {len(bounds)} of {spec.width} features")
    if scan.embedded is not None:
        count = len(scan.embedded.predictions)
        fits = scan.embedded.images.shape == (count, spec.channels, spec.height, spec.width)
        if not fits or any(len(answers) != count for answers in scan.embedded.triggered.values()):
            raise DataError("the report is damaged: its embedded samples do not fit the model or their answers")
