from dataclasses import replace

import pytest

from onnxaudit.pipeline.whole_image import list_whole_image_targets
from tools.testbed.reports import make_scan_report


def test_targets_whose_kind_changes_the_whole_image_are_evident() -> None:
    report = make_scan_report()
    rows = [replace(row, ratios={"spectral": 4.0, "patch": float(row.label + 2)}) for row in report.labels]
    assert list_whole_image_targets(replace(report, labels=tuple(rows))) == {0: ("additive",), 1: ("additive",)}


def test_families_that_bring_a_label_nearly_as_near_count_too() -> None:
    report = make_scan_report()
    rows = [replace(row, ratios={"spectral": 4.0, "photometric": 2.0, "warp": 1.9}) for row in report.labels]
    found = list_whole_image_targets(replace(report, labels=tuple(rows)))
    assert set(found.values()) == {("additive", "photometric")}


@pytest.mark.parametrize(
    ("ratios", "families"),
    [
        ({"patch": 30.0, "spectral": 14.0}, None),
        ({"patch": 30.0, "spectral": 16.0}, ("additive",)),
        ({"patch": 2.0, "latent-inversion": 2.0, "compactness": 2.0, "photometric": 6.0}, ("photometric",)),
        ({"patch": 2.0, "latent-inversion": 2.0, "compactness": 2.0, "photometric": 2.9}, None),
        ({"patch": 3.0, "latent-inversion": 2.0, "photometric": 6.0}, None),
    ],
)
def test_a_label_nearer_by_a_change_of_the_image_than_by_a_mask_counts_whatever_its_kind(
    ratios: dict[str, float], families: tuple[str, ...] | None
) -> None:
    report = make_scan_report()
    row = replace(report.labels[0], ratios=ratios)
    found = list_whole_image_targets(replace(report, labels=(row,)))
    assert found == ({} if families is None else {row.label: families})
