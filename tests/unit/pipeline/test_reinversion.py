from types import SimpleNamespace

import pytest

from onnxaudit.pipeline.reinversion import find_spread
from onnxaudit.records import Look


@pytest.mark.parametrize(
    ("ratios", "spread"),
    [
        ({Look.WAVES: 3.0, Look.TRIGGER: 2.0}, True),
        ({Look.WAVES: 3.0, Look.TRIGGER: 8.0}, False),
        ({Look.WAVES: 3.0}, True),
        ({Look.TRIGGER: 0.5}, False),
        ({}, False),
    ],
)
def test_a_label_is_spread_where_waves_lead_there_more_easily_than_masks(
    ratios: dict[Look, float], spread: bool
) -> None:
    scan = SimpleNamespace(labels=[SimpleNamespace(label=7, ratios=ratios)])
    assert find_spread(scan) == ((7,) if spread else ())
