"""The formats of a report: a name for each, and a pure function from the document to its text.

A format shows what the document says; it never decides anything.
"""

from collections.abc import Callable, Mapping

from onnxaudit.errors import UsageError
from onnxaudit.records import Document
from onnxaudit.report.json import to_json
from onnxaudit.report.terminal import render_text

Render = Callable[[Document], str]

FORMATS: Mapping[str, Render] = {
    "text": render_text,
    "json": to_json,
}


def render(document: Document, name: str) -> str:
    """The document as text in the format `name`, with a newline at its end.

    Raises:
        UsageError: there is no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"{name!r} is no format; use one of {', '.join(FORMATS)}")
    return FORMATS[name](document)
