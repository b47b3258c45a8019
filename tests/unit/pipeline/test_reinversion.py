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
    scan = SimpleNamespace(labels=[SimpleNamespace(label=7, ratios=ratios)])
    assert find_spread(scan, 1.5) == ((7,) if spread else ())
