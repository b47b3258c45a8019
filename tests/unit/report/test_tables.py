"""Tables at a terminal: whatever its width and whatever names say, a figure is whole or its column is left out."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from onnxaudit.records import (
    Document,
    InspectionDocument,
    LayerInfo,
    OperatorUse,
    ProfileDocument,
    RepairDocument,
    ScanDocument,
)
from onnxaudit.report.terminal import render_document
from onnxaudit.report.terminal.tables import Column, Table, print_table
from tools.testbed.reports import make_inspection, make_profile, make_repair_report, make_scan_report

LONG = "a class whose name goes on and on, longer than any terminal that it is shown on is wide: \u8def\u6a19" * 2
WIDTHS = (20, 40, 60, 80, 100, 120, 200)
FIGURE = re.compile(r"-?\d[\d.,]*")


def make_documents() -> dict[str, Document]:
    scan = replace(make_scan_report(), class_names=tuple(f"{LONG} {number}" for number in range(4)))
    scan = replace(scan, labels=tuple(replace(row, log_odds=-12.25, role="suspect") for row in scan.labels))
    repair = make_repair_report(scan=scan)
    rounds = tuple(replace(trial, reason=LONG, neurons=(10, 20, 30, 4000)) for trial in repair.rounds)
    inspection = replace(
        make_inspection(),
        operators=(OperatorUse("ai.onnx", LONG.replace(" ", "_"), 12345, True),),
        layers=(LayerInfo(LONG.replace(" ", "/"), "ConvTranspose", (1024, 2048, 13, 17), 123_456_789_012),),
    )
    profile = make_profile()
    profile = replace(profile, layer=replace(profile.layer, name="fc1"))
    return {
        "labels": ScanDocument((scan,)),
        "rounds": RepairDocument((replace(repair, rounds=rounds),)),
        "inspection": InspectionDocument(inspection),
        "profile": ProfileDocument(profile),
    }


def read_cells(document: Document, width: int) -> tuple[str, list[str]]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render_document(document, console, "full")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    return text, text.splitlines()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["labels", "rounds", "inspection", "profile"])
def test_no_line_of_a_table_is_wider_than_the_terminal(name: str, width: int) -> None:
    _, lines = read_cells(make_documents()[name], width)
    assert all(len(line) <= width for line in lines)


def test_every_figure_is_whole_at_every_width(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[Table] = []
    for module in ("scan", "repair", "inspection", "profile"):
        monkeypatch.setattr(f"onnxaudit.report.terminal.{module}.print_table", lambda _, table: tables.append(table))
    for document in make_documents().values():
        read_cells(document, 100)
    assert len(tables) == 7  # labels, rounds, candidates, figures before and after, operators, layers, neurons
    for table in tables:
        for width in WIDTHS:
            _check_figures(table, width)


def _check_figures(table: Table, width: int) -> None:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_table(console, table)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    header, told = text.splitlines()[0], " ".join(text.split())
    for place, column in enumerate(table.columns):
        if column.kind != "whole" or not column.heading:
            continue
        if column.heading not in header:
            assert width <= 40 or column.heading in told.rpartition("too narrow for the column")[2], (column, width)
            continue
        for row in table.rows:
            assert row[place].plain in text, (row[place].plain, width)


def test_the_least_important_column_goes_first_and_is_named() -> None:
    table = Table((Column("class", kind="name"), Column("rate", rank=1), Column("index", rank=2), Column("n", rank=3)))
    table.add_row("x" * 40, "95 % [89, 98]", "0.59", "12")
    for width, gone in ((80, ""), (36, "n"), (32, "index and n"), (26, "rate, index and n")):
        console = Console(file=io.StringIO(), width=width, color_system=None)
        print_table(console, table)
        assert isinstance(console.file, io.StringIO)
        text = " ".join(console.file.getvalue().split())
        assert ("the terminal is too narrow" in text) is bool(gone)
        assert text.endswith(gone)
        assert ("95 % [89, 98]" in text) is ("rate" not in gone)
        assert ("0.59" in text) is ("index" not in gone)
