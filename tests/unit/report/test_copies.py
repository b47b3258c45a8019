"""A file and its copies in 8-bit integers side by side, in the formats that people read."""

from dataclasses import replace

import pytest

from onnxaudit.records import QuantizationKind, ScanDocument, ScanFailure, ScanReport, Verdict, name_copy
from onnxaudit.report.copies import compare_copies
from onnxaudit.report.formats import render
from onnxaudit.report.json import from_json, to_json
from tools.testbed.reports import make_scan_report

STATIC, DYNAMIC = QuantizationKind.STATIC, QuantizationKind.DYNAMIC


def make_report(verdict: Verdict, kind: QuantizationKind | None = None, path: str = "m.onnx") -> ScanReport:
    report = make_scan_report(verdict)
    return replace(report, quantization=kind, model=replace(report.model, path=name_copy(path, kind)))


AWAKE = ScanDocument(
    (make_report(Verdict.CLEAN), make_report(Verdict.BACKDOORED, STATIC), make_report(Verdict.CLEAN, DYNAMIC))
)


def test_all_three_stand_side_by_side_and_waking_is_said() -> None:
    (table,) = compare_copies(AWAKE)
    assert table.name == "m.onnx"
    assert [row[:2] for row in table.rows] == [
        ("the file", "clean"),
        ("int8, static", "backdoored"),
        ("int8, dynamic", "clean"),
    ]
    assert "rounding wakes it" in table.remark


def test_a_copy_without_a_report_is_an_error() -> None:
    document = ScanDocument((make_report(Verdict.CLEAN),), (ScanFailure(name_copy("m.onnx", STATIC), "no"),))
    (table,) = compare_copies(document)
    assert [row[1] for row in table.rows] == ["clean", "error"]
    assert not table.remark


def test_a_clean_copy_of_a_backdoored_file_is_not_recommended() -> None:
    document = ScanDocument((make_report(Verdict.BACKDOORED), make_report(Verdict.CLEAN, STATIC)))
    assert "do not use either" in compare_copies(document)[0].remark


def test_a_copy_alone_has_no_table() -> None:
    assert not compare_copies(ScanDocument((make_report(Verdict.CLEAN, STATIC),)))


def test_each_file_has_a_table_of_its_own_and_files_alone_have_none() -> None:
    reports = [make_report(Verdict.CLEAN, kind, path) for path in ("a.onnx", "b.onnx") for kind in (None, STATIC)]
    tables = compare_copies(ScanDocument((*reports, make_report(Verdict.CLEAN, path="c.onnx"))))
    assert [(table.name, len(table.rows)) for table in tables] == [("a.onnx", 2), ("b.onnx", 2)]


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_format_for_people_shows_them(name: str) -> None:
    shown = " ".join(render(AWAKE, name).split())
    assert "int8, dynamic" in shown
    assert "rounding wakes it" in shown


def test_json_keeps_which_copy_was_scanned() -> None:
    document = from_json(to_json(AWAKE).encode())
    assert isinstance(document, ScanDocument)
    assert [report.quantization for report in document.reports] == [None, STATIC, DYNAMIC]


def test_sarif_names_the_file() -> None:
    assert '"uri": "m.onnx"' in render(AWAKE, "sarif")
