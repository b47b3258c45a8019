"""Reports and triggers as notebooks show them: the page in a frame of its own, the trigger as a drawing."""

from html import escape
from typing import Any

from onnxaudit.records import RepairReport, ScanReport, Trigger
from onnxaudit.report.formats import render_report
from onnxaudit.report.trigger_plot import plot_trigger

FRAME = '<iframe sandbox="" srcdoc="{page}" style="width: 100%; height: 40rem; border: 1px solid #888"></iframe>'


def draw_html(record: ScanReport | RepairReport | Trigger | Any) -> str:
    """HTML that shows a record and holds no script; a trigger as mask, pattern, and both on gray."""
    if isinstance(record, Trigger):
        return plot_trigger(record)
    return FRAME.format(page=escape(render_report(record, "html")))
