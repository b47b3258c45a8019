"""Reports and triggers as notebooks show them: the page in a frame of its own, the trigger as pictures."""

import base64
from html import escape
from typing import Any

from onnxaudit.records import RepairReport, ScanReport, Trigger
from onnxaudit.report.formats import render_report
from onnxaudit.report.pictures import draw_trigger

FRAME = '<iframe sandbox="" srcdoc="{page}" style="width: 100%; height: 40rem; border: 1px solid #888"></iframe>'
PICTURE = '<img alt="{name}" title="{name}" src="data:image/png;base64,{content}" style="image-rendering: pixelated">'


def draw_html(record: ScanReport | RepairReport | Trigger | Any) -> str:
    """HTML that shows a record and holds no script; a trigger as mask, pattern, and both on gray."""
    if isinstance(record, Trigger):
        pictures = {name: base64.b64encode(content).decode() for name, content in draw_trigger(record).items()}
        return " ".join(PICTURE.format(name=name, content=content) for name, content in pictures.items())
    return FRAME.format(page=escape(render_report(record, "html")))
