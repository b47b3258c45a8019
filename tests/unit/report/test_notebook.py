"""What a notebook shows of reports and triggers."""

import html

import pytest

import onnxaudit
from onnxaudit.errors import UsageError
from onnxaudit.records import RepairReport, ScanReport
from onnxaudit.report.formats import render_report
from tests.reports import make_repair_report, make_scan_report, make_trigger


@pytest.mark.parametrize("report", [make_scan_report(), make_repair_report()], ids=["scan", "repair"])
def test_a_report_is_its_page_in_a_frame_without_scripts(report: ScanReport | RepairReport) -> None:
    shown = report._repr_html_()
    assert shown is not None
    assert shown.startswith('<iframe sandbox=""')
    assert shown.count("<") == 2
    assert render_report(report, "html") in html.unescape(shown)


def test_a_trigger_is_pictures() -> None:
    shown = make_trigger()._repr_html_()
    assert shown is not None
    assert shown.count("data:image/png;base64,") == 3


def test_a_report_has_every_format_and_no_other() -> None:
    assert onnxaudit.render_report(make_scan_report(), "sarif").startswith("{")
    with pytest.raises(UsageError, match="no format"):
        onnxaudit.render_report(make_scan_report(), "pdf")
