from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit.mitigation.distortions import DistortionConfig
from onnxaudit.pipeline import FineTuningConfig, RepairConfig
from onnxaudit.pipeline.whole_image import find_whole_image_targets, list_whole_image_targets
from tests.reports import make_scan_report


def test_targets_whose_kind_changes_the_whole_image_are_evident() -> None:
    report = make_scan_report()
    rows = [replace(row, ratios={"spectral": 4.0, "patch": float(row.label + 2)}) for row in report.labels]
    assert list_whole_image_targets(replace(report, labels=tuple(rows))) == (0, 1)


@pytest.mark.parametrize(
    ("named", "accused", "number", "targets"),
    [(7, (), 1, (7,)), (7, (3,), 1, (7,)), (7, (7,), 1, ()), (None, (), 1, ()), (7, (), 0, ())],
)
def test_a_label_that_only_the_caller_names_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, named: int | None, accused: tuple[int, ...], number: int, targets: tuple[int, ...]
) -> None:
    monkeypatch.setattr("onnxaudit.pipeline.whole_image.leads_best", lambda *_, **__: True)
    scan = SimpleNamespace(labels=[], target_labels=accused)
    seen: Any = SimpleNamespace(classes=(), images=())
    context: Any = SimpleNamespace(
        subject=SimpleNamespace(device="cpu", classifier=None),
        scan=scan,
        target=named,
        config=RepairConfig(fine_tuning=FineTuningConfig(distortion=DistortionConfig(number=number))),
        seed=0,
    )
    assert find_whole_image_targets(context, seen) == targets
