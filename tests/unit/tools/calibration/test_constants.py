from dataclasses import asdict
from pathlib import Path

import pytest

from onnxaudit.scoring.settings import VerdictConfig
from tools.calibration import features
from tools.calibration.fit import RIDGE, fit, make_cases
from tools.calibration.table import read_table

TABLE = Path(features.__file__).parent / "evidence.jsonl.gz"


def test_the_constants_in_force_are_what_the_kept_evidence_gives() -> None:
    fitted = fit(make_cases(read_table(TABLE), features.VERDICT), RIDGE)
    expected = [fitted.offset, *fitted.weights.tolist()]
    assert list(asdict(VerdictConfig().weights).values()) == pytest.approx(expected, abs=0.02)
