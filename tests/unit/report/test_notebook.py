"""What a notebook shows of reports and triggers."""

import base64
import html
from xml.etree import ElementTree

import numpy as np
import pytest

import onnxaudit
from onnxaudit.errors import UsageError
from onnxaudit.records import RepairReport, ScanReport, Trigger
from onnxaudit.report.formats import render_report
from onnxaudit.report.pictures import draw_trigger
from tools.testbed.reports import make_repair_report, make_scan_report, make_trigger


@pytest.mark.parametrize("report", [make_scan_report(), make_repair_report()], ids=["scan", "repair"])
def test_a_report_is_its_page_in_a_frame_without_scripts(report: ScanReport | RepairReport) -> None:
    shown = report._repr_html_()
    assert shown is not None
    assert shown.startswith('<iframe sandbox=""')
    assert shown.count("<") == 2
    assert render_report(report, "html") in html.unescape(shown)


def read_svg(text: str) -> tuple[list[str], list[bytes]]:
    """The captions of a drawing, and its pictures."""
    tree, spaces = ElementTree.fromstring(text), {"svg": "http://www.w3.org/2000/svg"}
    pictures = [one.attrib["href"].partition(",")[2] for one in tree.iterfind(".//svg:image", spaces)]
    captions = [one.text or "" for one in tree.iterfind(".//svg:text", spaces)]
    return captions, [base64.b64decode(one) for one in pictures]


def test_a_trigger_is_a_drawing() -> None:
    trigger = make_trigger()
    captions, pictures = read_svg(trigger.plot().svg)
    assert captions == ["mask", "pattern", "triggered"]
    assert dict(zip(captions, pictures, strict=True)) == draw_trigger(trigger)
    assert trigger._repr_html_() == trigger.plot()._repr_svg_()


def test_a_trigger_is_drawn_on_an_image() -> None:
    trigger, image = make_trigger(), np.full((3, 8, 8), 0.25, np.float32)
    captions, pictures = read_svg(trigger.plot(image).svg)
    assert captions == ["image", "mask", "pattern", "triggered"]
    assert pictures[-1] == draw_trigger(trigger, image)["triggered"]
    with pytest.raises(ValueError, match="both are"):
        trigger.plot(np.zeros((1, 8, 8), np.float32))


def test_a_trigger_of_a_series_is_bars() -> None:
    trigger = Trigger(np.eye(1, 40, dtype=np.float32)[None], np.full((2, 1, 40), 0.5, np.float32))
    svg = trigger.plot().svg
    assert read_svg(svg) == (["mask", "pattern, channel 0", "pattern, channel 1"], [])
    assert svg.count("<rect") == 120


def test_a_report_has_every_format_and_no_other() -> None:
    assert onnxaudit.render_report(make_scan_report(), "sarif").startswith("{")
    with pytest.raises(UsageError, match="no format"):
        onnxaudit.render_report(make_scan_report(), "pdf")
