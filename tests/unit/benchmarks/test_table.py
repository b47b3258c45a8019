import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.table import collect
from benchmarks.zoo_folder import Zoo


def _label(label: int, **ratios: float) -> dict[str, Any]:
    return {
        "label": label,
        "mask_l1": 10.0 + label,
        "success_rate": {"successes": 9, "trials": 10, "value": 0.9, "low": 0.6, "high": 1.0},
        "log_index": None,
        "log_odds": -2.0,
        "ratios": ratios,
    }


def _truth(**changes: Any) -> dict[str, Any]:
    trigger = {"mapping": "all-to-one", "target": 1, "source_labels": None, "asr": 0.99}
    return {
        "sha256": "0" * 64,
        "backdoored": True,
        "attack": "blend",
        "triggers": [trigger],
        "architecture": "lenet",
        "dataset": "mnist",
        "class_count": 3,
        "input_shape": [1, 28, 28],
        "clean_accuracy": 0.98,
    } | changes


REPORT = {
    "labels": [_label(0, trigger=1.0), _label(2, trigger=3.0, waves=2.0)],
    "verdict": "clean",
    "score": 0.12345,
    "duration_seconds": 3.21,
}


def _zoo(folder: Path, truth: dict[str, Any]) -> Zoo:
    (folder / "truth").mkdir()
    (folder / "truth" / "m.json").write_text(json.dumps(truth))
    return Zoo(folder, folder)


def test_row_has_a_value_for_each_label_under_present_names(tmp_path: Path) -> None:
    row = collect(_zoo(tmp_path, _truth(split="second")), "m", REPORT, 10)
    assert row.evidence["patch"] == [1.0, None, 3.0]
    assert row.evidence["spectral"] == [None, None, 2.0]
    assert row.evidence["mask_l1"] == [10.0, None, 12.0]
    assert row.targets == (1,)
    assert (row.kind, row.family, row.zoo) == ("blended", "blended", f"{tmp_path.name}/second")


@pytest.mark.parametrize(
    ("truth", "kind"),
    [
        (_truth(backdoored=False, attack=None, kind="clean-imbalanced"), "clean-imbalanced"),
        (_truth(backdoored=False, attack=None, undertrained=True), "clean-undertrained"),
        (_truth(backdoored=False, attack=None), "clean"),
    ],
)
def test_clean_models_have_no_target_and_say_why_they_may_look_bad(
    truth: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    row = collect(_zoo(tmp_path, truth), "m", REPORT, 10)
    assert not row.backdoored
    assert row.targets == ()
    assert row.kind == kind
