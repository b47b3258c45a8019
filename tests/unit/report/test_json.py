"""The JSON report says everything, and is read back or refused."""

import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from onnxaudit.errors import DataError
from onnxaudit.records import (
    Check,
    DiagnosisDocument,
    Document,
    ErrorDocument,
    ProfileDocument,
    RepairDocument,
    ScanDocument,
    ScanFailure,
)
from onnxaudit.report.json import canonical, from_json, schema, to_json
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report

DOCUMENTS: dict[str, Document] = {
    "scan": ScanDocument((make_scan_report(),), (ScanFailure("other.onnx", "not ONNX"),)),
    "repair": RepairDocument((make_repair_report(),)),
    "profile": ProfileDocument(make_profile()),
    "error": ErrorDocument("model.onnx is empty"),
    "diagnosis": DiagnosisDocument((Check("Python", "ok", "3.11"),)),
}


def damaged(path: str, value: Any) -> str:
    """The scan document with the value at `path` replaced."""
    plain = json.loads(to_json(DOCUMENTS["scan"]))
    *parents, last = path.split(".")
    place = plain
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    return json.dumps(plain)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_is_read_back_is_the_same(document: Document) -> None:
    text = to_json(document)
    again = from_json(text)
    assert type(again) is type(document)
    assert to_json(again) == text
    assert text.endswith("}\n")


def test_triggers_come_back_bit_by_bit() -> None:
    document = from_json(to_json(DOCUMENTS["scan"]))
    assert isinstance(document, ScanDocument)
    finding, original = document.reports[0].triggers[0], make_scan_report().triggers[0]
    np.testing.assert_array_equal(finding.trigger.pattern, original.trigger.pattern)
    assert finding.trigger.digest == finding.digest


def test_the_version_of_the_schema_comes_first() -> None:
    assert next(iter(json.loads(to_json(DOCUMENTS["repair"])))) == "schema_version"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(number: float) -> None:
    report = make_scan_report(config={"lambda": number}, score=number)
    plain = json.loads(to_json(ScanDocument((report,))))["reports"][0]
    assert plain["config"]["lambda"] is None
    assert plain["score"] is None


def test_numpy_scalars_in_configs_are_written_as_numbers() -> None:
    report = make_scan_report(config={"count": np.int64(3), "share": np.float32(0.5)})
    assert json.loads(to_json(ScanDocument((report,))))["reports"][0]["config"] == {"count": 3, "share": 0.5}


def test_file_names_that_are_not_text_are_escaped() -> None:
    document = ScanDocument((make_scan_report(),), (ScanFailure("caf\udce9.onnx", "no"),))
    assert from_json(to_json(document)).failures[0].path == "caf\\udce9.onnx"  # type: ignore[union-attr]


def test_canonical_text_knows_neither_times_nor_paths() -> None:
    report = make_scan_report()
    moved = replace(
        report,
        duration_seconds=99.0,
        model=replace(report.model, path="elsewhere/model.onnx"),
        samples=replace(report.samples, source="elsewhere"),
    )
    assert canonical(ScanDocument((report,))) == canonical(ScanDocument((moved,)))
    repair = make_repair_report()
    again = replace(repair, duration_seconds=1.0, output="elsewhere.onnx", scan=moved)
    assert canonical(RepairDocument((repair,))) == canonical(RepairDocument((again,)))


def test_canonical_text_keeps_what_was_found() -> None:
    report = make_scan_report()
    assert canonical(ScanDocument((report,))) != canonical(ScanDocument((replace(report, score=0.5),)))
    assert canonical(ScanDocument((report,))) != canonical(ScanDocument((replace(report, seed=1),)))


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"schema_version": 1}', '{"schema_version": "1.0"}', "[" * 100_000, b"\xff\xff", b"\x00"],
)
def test_what_is_no_report_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(DataError, match=r"\A[^\n]+\Z"):
        from_json(text)


def test_a_truncated_report_is_refused() -> None:
    with pytest.raises(DataError, match="not a report"):
        from_json(to_json(DOCUMENTS["scan"])[:-40])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("reports.0.verdict", "spotless", "reports.0.verdict"),
        ("reports.0.labels.1.mask_l1", "wide", "reports.0.labels.1.mask_l1"),
        ("reports.0.triggers.0.trigger.mask.shape", [1, 8, 9], "mask"),
        ("reports.0.triggers.0.trigger.mask.shape", [2**62, 2**62], "report"),
        ("reports.0.triggers.0.trigger.mask.data", "AAAA", "mask"),
        ("reports.0.triggers.0.digest", "0" * 64, "trigger of label 2"),
        ("reports.0.model.input.height", 9, "trigger of label 2"),
        ("schema_version", "2.0", "upgrade onnxaudit"),
    ],
)
def test_a_damaged_report_is_refused_with_the_place(path: str, value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_json(damaged(path, value))


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_is_written_fits_the_schema(document: Document) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    validator.validate(json.loads(to_json(document)))


def test_the_schema_names_every_field_that_is_written() -> None:
    definitions = schema()["$defs"]
    for document, kind in (("scan", "ScanReport"), ("repair", "RepairReport")):
        written = json.loads(to_json(DOCUMENTS[document]))["reports"][0]
        assert set(written) == set(definitions[kind]["properties"]) == set(definitions[kind]["required"])
