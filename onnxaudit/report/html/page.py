"""The page as a whole: a pure function of the document, one file, at most `LARGEST` bytes.

Every value passes `_show` on its way into a template, and Jinja's escaping after it. The content security policy allows
the one style sheet by its hash, pictures in the page itself, and nothing else.
"""

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from onnxaudit.findings.finding import describe_waiver
from onnxaudit.records import (
    Document,
    ErrorDocument,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanFailure,
    ScanReport,
)
from onnxaudit.report.copies import HEADINGS, compare_copies
from onnxaudit.report.html.detail import STEPS, Detail
from onnxaudit.report.html.views.gate import describe_decision, find_gate, view_gate
from onnxaudit.report.html.views.overview import Entry, list_entries
from onnxaudit.report.html.views.repair import RepairView, view_repair
from onnxaudit.report.html.views.run import tell_run
from onnxaudit.report.html.views.scan import ScanView, view_scan
from onnxaudit.report.html.wording import LONGEST, shorten

LARGEST = 5 * 10**6  # bytes
_CODE = re.compile(r"`([^`]+)`")


def render_html(document: Document) -> str:
    """The document as one HTML file with a newline at its end, in as much detail as fits."""
    page = ""
    for detail in STEPS:
        page = _render(document, detail)
        if len(page.encode("utf-8")) <= LARGEST:
            break
    return page


def render_overview(document: ScanDocument, entries: tuple[Entry, ...]) -> str:
    """A page of entries alone, which link to others."""
    return _fill(document, STEPS[0], entries, shown=0, failures=())


def _render(document: Document, detail: Detail) -> str:
    failures = document.failures if isinstance(document, ScanDocument) else ()
    return _fill(document, detail, list_entries(document), shown=detail.reports, failures=failures)


def _fill(
    document: Document,
    detail: Detail,
    entries: tuple[Entry, ...],
    *,
    shown: int | None,
    failures: tuple[ScanFailure, ...],
) -> str:
    reports = document.reports if isinstance(document, ScanDocument | RepairDocument) else ()
    gate, style = find_gate(document), _read_style()
    return (
        _open_templates()
        .get_template("page.html")
        .render(
            title=_name_page(entries),
            entries=entries,
            error=document.error if isinstance(document, ErrorDocument) else "",
            failures=failures,
            copies=compare_copies(document) if isinstance(document, ScanDocument) else (),
            headings_of_copies=HEADINGS,
            views=[_view(report, detail, document) for report in reports[:shown]],
            decisions=[describe_decision(gate, number) for number in range(len(reports[:shown]))],
            total=len(reports),
            gate=view_gate(document, detail),
            missing=detail.missing,
            style=style,
            policy=_write_policy(style),
        )
        .rstrip()
        + "\n"
    )


def _view(report: ScanReport | RepairReport, detail: Detail, document: Document) -> ScanView | RepairView:
    assert isinstance(document, ScanDocument | RepairDocument)
    gate, run = document.gate, document.run
    if isinstance(report, ScanReport):
        scanned = view_scan(report, detail, gate)
        return replace(scanned, provenance=tell_run(scanned.provenance, report.config, run, gate))
    repaired = view_repair(report, detail)
    return replace(repaired, provenance=tell_run(repaired.provenance, report.config, run, gate))


def _name_page(entries: tuple[Entry, ...]) -> str:
    if len(entries) != 1:
        return f"onnxaudit: {len(entries)} models"
    return f"{entries[0].word}: {shorten(entries[0].name, 60)} – onnxaudit"


@cache
def _open_templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("onnxaudit.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["prose"] = _mark_code
    templates.filters["waiver"] = describe_waiver
    return templates


def _show(value: Any) -> Any:
    """Strings on one line, without marks that a reader cannot see, and no longer than anybody reads."""
    return _bind(shorten(value, LONGEST)) if type(value) is str else value


def _bind(text: str) -> str:
    """Text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _mark_code(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(_bind(shorten(text, LONGEST))))))  # noqa: S704, escaped before


@cache
def _read_style() -> Markup:
    loader = PackageLoader("onnxaudit.report.html")
    style, _, _ = loader.get_source(Environment(autoescape=True), "style.css")
    return Markup(style)  # noqa: S704, our own file


def _write_policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
