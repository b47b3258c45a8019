from types import SimpleNamespace

import pytest

from onnxaudit.pipeline.reinversion import find_spread
from onnxaudit.records import Look


@pytest.mark.parametrize(
    ("ratios", "spread"),
    [
        ({Look.WAVES: 4.0, Look.TRIGGER: 2.0}, True),
        ({Look.WAVES: 4.0, Look.TRIGGER: 2.0, Look.SHIFT: 2.0}, False),
        ({Look.WAVES: 4.0, Look.TRIGGER: 8.0}, False),
        ({Look.WAVES: 1.2, Look.TRIGGER: 0.5}, False),
        ({Look.WAVES: 2.0}, True),
        ({Look.TRIGGER: 0.5}, False),
        ({}, False),
    ],
)
def test_a_label_is_spread_where_waves_lead_there_much_more_easily(ratios: dict[Look, float], spread: bool) -> None:
    assert find_spread(scan_of(ratios), None, 1.5) == ((7,) if spread else ())


@pytest.mark.parametrize(("accused", "spread"), [((), (7,)), ((3,), (7,)), ((7,), ())])
def test_so_is_a_label_that_only_the_caller_names(accused: tuple[int, ...], spread: tuple[int, ...]) -> None:
    assert find_spread(scan_of({}, accused), 7, 1.5) == spread


def scan_of(ratios: dict[Look, float], accused: tuple[int, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(labels=[SimpleNamespace(label=7, ratios=ratios)], target_labels=accused)
