from dataclasses import replace

import pytest

from onnxaudit.pipeline.whole_image import describe_unlearned, join, list_whole_image_targets
from onnxaudit.records import ScanReport
from tools.testbed.reports import make_scan_report

LABEL = 2


def make_report(ratios: dict[str, float]) -> ScanReport:
    """A report of one label."""
    report = make_scan_report()
    return replace(report, labels=(replace(report.labels[LABEL], ratios=ratios),))


def test_targets_whose_kind_changes_the_whole_image_are_evident() -> None:
    report = make_scan_report()
    rows = [replace(row, ratios={"spectral": 4.0, "patch": float(row.label + 2)}) for row in report.labels]
    assert list_whole_image_targets(replace(report, labels=tuple(rows))) == {0: ("additive",), 1: ("additive",)}


def test_families_that_bring_a_label_nearly_as_near_count_too() -> None:
    found = list_whole_image_targets(make_report({"spectral": 4.0, "photometric": 2.0, "warp": 1.9}))
    assert set(found.values()) == {("additive", "photometric")}


@pytest.mark.parametrize(
    ("ratios", "families"),
    [
        ({"patch": 30.0, "spectral": 14.0}, None),
        ({"patch": 30.0, "spectral": 16.0}, ("additive",)),
        ({"patch": 2.0, "latent-inversion": 2.0, "compactness": 2.0, "spectral": 6.0}, ("additive",)),
        ({"patch": 2.0, "latent-inversion": 2.0, "compactness": 2.0, "spectral": 2.9}, None),
        ({"patch": 3.0, "latent-inversion": 2.0, "spectral": 6.0}, None),
    ],
)
def test_a_label_nearer_by_a_change_of_the_image_than_by_a_mask_counts_whatever_its_kind(
    ratios: dict[str, float], families: tuple[str, ...] | None
) -> None:
    assert list_whole_image_targets(make_report(ratios)) == ({} if families is None else {LABEL: families})


def test_families_of_two_sources_are_joined() -> None:
    assert join({1: ("warp",)}, {1: ("warp", "additive"), 2: ("warp",)}) == {1: ("warp", "additive"), 2: ("warp",)}


def test_what_was_unlearned_is_told_by_target() -> None:
    (sentence,) = describe_unlearned({LABEL: ("additive", "warp")})
    assert sentence == "fine-tuning unlearned changes of the whole image for label 2: additive and warp"
