from dataclasses import asdict
from pathlib import Path

import pytest

from onnxaudit.scoring.verdict import VerdictConfig, Weights
from tools.calibration import features
from tools.calibration.fit import RIDGE, fit, make_cases
from tools.calibration.table import read_table

TABLE = Path(features.__file__).parent / "evidence.jsonl.gz"


@pytest.mark.parametrize(
    ("weights", "left_out"),
    [(VerdictConfig().weights, ""), (VerdictConfig().weights_without_exact_shift, "z:exact-shift")],
)
def test_the_constants_in_force_are_what_the_kept_evidence_gives(weights: Weights, left_out: str) -> None:
    used = [feature for feature in features.VERDICT if feature != left_out]
    fitted = fit(make_cases(read_table(TABLE), used), RIDGE)
    found = dict(zip(used, fitted.weights.tolist(), strict=True))
    expected = [fitted.offset, *(found.get(feature, 0.0) for feature in features.VERDICT)]
    assert list(asdict(weights).values()) == pytest.approx(expected, abs=0.02)
