from types import SimpleNamespace

import pytest

from onnxaudit.mitigation.distortions import DistortionConfig
from onnxaudit.pipeline.spread import find_spread, list_spread
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
    assert list_spread(scan, 1.5) == ((7,) if spread else ())


@pytest.mark.parametrize(
    ("named", "accused", "number", "spread"),
    [(7, (), 1, (7,)), (7, (3,), 1, (7,)), (7, (7,), 1, ()), (None, (), 1, ()), (7, (), 0, ())],
)
def test_a_label_that_only_the_caller_names_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, named: int | None, accused: tuple[int, ...], number: int, spread: tuple[int, ...]
) -> None:
    monkeypatch.setattr("onnxaudit.pipeline.spread.leads_best", lambda *_: True)
    scan = SimpleNamespace(labels=[], target_labels=accused)
    subject = SimpleNamespace(device="cpu", classifier=None)
    samples = SimpleNamespace(labels=(), images=())
    assert find_spread(subject, scan, named, samples, 1.5, DistortionConfig(number=number), 0) == spread
