"""The formats of a report: a name for each, and a pure function from the document to its text.

A format shows what the document says; it never decides anything.
"""

from collections.abc import Callable, Mapping

from onnxaudit.errors import UsageError
from onnxaudit.records import Document, ErrorDocument, RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.report.json import to_json
from onnxaudit.report.junit import to_junit
from onnxaudit.report.markdown import to_markdown
from onnxaudit.report.sarif import to_sarif
from onnxaudit.report.terminal import render_text


def _render_page(document: Document) -> str:
    """The page; what it is made with is imported where one is wanted."""
    from onnxaudit.report.html import render_html

    return render_html(document)


Render = Callable[[Document], str]

FORMATS: Mapping[str, Render] = {
    "text": render_text,
    "json": to_json,
    "html": _render_page,
    "sarif": to_sarif,
    "markdown": to_markdown,
    "junit": to_junit,
}


def render(document: Document, name: str) -> str:
    """The document as text in the format `name`, with a newline at its end.

    Raises:
        UsageError: there is no such format, or the document has none of what it shows.
    """
    if name not in FORMATS:
        raise UsageError(f"{name!r} is no format; use one of {', '.join(FORMATS)}")
    if name not in ("text", "json") and not isinstance(document, ScanDocument | RepairDocument | ErrorDocument):
        raise UsageError(f"findings alone are written as {name}, and there are none in this report; use text or json")
    return FORMATS[name](document)


def render_report(report: ScanReport | RepairReport, name: str) -> str:
    """One report as text in a format.

    Args:
        report: of `onnxaudit.scan` or `onnxaudit.repair`.
        name: "text", "json", "html", "sarif", "markdown" or "junit".

    Raises:
        UsageError: there is no such format.
    """
    return render(ScanDocument((report,)) if isinstance(report, ScanReport) else RepairDocument((report,)), name)
