from dataclasses import replace

from onnxaudit.pipeline.whole_image import list_whole_image_targets
from tests.reports import make_scan_report


def test_targets_whose_kind_changes_the_whole_image_are_evident() -> None:
    report = make_scan_report()
    rows = [replace(row, ratios={"spectral": 4.0, "patch": float(row.label + 2)}) for row in report.labels]
    assert list_whole_image_targets(replace(report, labels=tuple(rows))) == (0, 1)
