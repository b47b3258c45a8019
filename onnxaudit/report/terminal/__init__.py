"""Reports for people at a terminal."""

import io
from typing import TextIO

from rich.console import Console

from onnxaudit.records import (
    ConversionDocument,
    DetectorsDocument,
    DiagnosisDocument,
    Document,
    ErrorDocument,
    InspectionDocument,
    ProfileDocument,
    RepairDocument,
    ScanDocument,
    ScanReport,
)
from onnxaudit.report.terminal.conversion import render_conversion
from onnxaudit.report.terminal.copies import render_copies
from onnxaudit.report.terminal.gate import render_gate
from onnxaudit.report.terminal.inspection import render_detectors, render_diagnosis, render_inspection
from onnxaudit.report.terminal.lines import Detail, print_line
from onnxaudit.report.terminal.profile import render_profile
from onnxaudit.report.terminal.repair import render_repair
from onnxaudit.report.terminal.scan import list_places, render_scan

__all__ = [
    "Detail",
    "list_places",
    "open_console",
    "render_copies",
    "render_document",
    "render_profile",
    "render_repair",
    "render_scan",
    "render_text",
]
WIDTH_OF_FILES = 100  # columns where there is no terminal


def open_console(stream: TextIO | None) -> Console:
    """A console on `stream`, on stderr where None, that reads no markup in what it prints."""
    console = Console(file=stream, stderr=stream is None, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    return console


def render_text(document: Document) -> str:
    """What people read, without colors and pictures."""
    text = io.StringIO()
    render_document(document, open_console(text))
    return text.getvalue()


def render_document(document: Document, console: Console, detail: Detail = "usual") -> None:
    """All reports in a document, one after the other, and what could not be scanned."""
    match document:
        case ErrorDocument():
            print_line(console, f"error: {document.error}")
        case ProfileDocument():
            render_profile(document.profile, console, detail)
        case InspectionDocument():
            render_inspection(document.inspection, console, detail)
        case DiagnosisDocument():
            render_diagnosis(document.checks, console, detail)
        case DetectorsDocument():
            render_detectors(document.detectors, console)
        case ConversionDocument():
            render_conversion(document, console, detail)
        case _:
            for report in document.reports:
                if isinstance(report, ScanReport):
                    render_scan(report, console, detail)
                else:
                    render_repair(report, console, detail)
    if isinstance(document, ScanDocument):
        for failure in document.failures:
            told = failure.error if failure.path in failure.error else f"{failure.path}: {failure.error}"
            print_line(console, ("ERROR", "bold red"), f"  {told}")
        render_copies(document, console)
    if isinstance(document, ScanDocument | RepairDocument) and document.gate is not None:
        render_gate(document.gate, console, detail)
