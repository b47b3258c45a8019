from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from onnxaudit.findings.kind import NATURAL, Kind
from onnxaudit.scoring.settings import VerdictConfig
from tools.calibration import features
from tools.calibration.fit import RIDGE, RIDGE_OF_FEW_CLASSES, choose_rows, fit, make_cases
from tools.calibration.table import read_table

TABLE = Path(features.__file__).parent / "evidence.jsonl.gz"


@pytest.mark.parametrize(
    ("few", "names", "terms", "ridge"),
    [
        (False, features.VERDICT, ("patch", "patch_gap", "compactness", "exact_shift", "beyond_natural"), RIDGE),
        (True, features.OF_FEW_CLASSES, ("patch", "compactness"), RIDGE_OF_FEW_CLASSES),
    ],
)
def test_the_constants_in_force_are_what_the_kept_evidence_gives(
    few: bool, names: tuple[str, ...], terms: tuple[str, ...], ridge: float
) -> None:
    fitted = fit(make_cases(choose_rows(read_table(TABLE), few=few), names), ridge)
    config = VerdictConfig()
    weights = config.weights_of_few_classes if few else config.weights
    expected = [fitted.offset, *fitted.weights.tolist()]
    assert [asdict(weights)[term] for term in ("offset", *terms)] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("kind", NATURAL)
def test_what_is_natural_is_what_clean_models_of_the_kept_evidence_have(kind: Kind) -> None:
    rows = [row for row in read_table(TABLE) if not row.backdoored and not row.held_out]
    clean = [row for row in rows if row.classes >= VerdictConfig().fewest_classes]
    nearest = [values.max() for row in clean if len(values := row.values(kind)[np.isfinite(row.values(kind))])]
    assert NATURAL[kind] == pytest.approx(np.quantile(nearest, 0.95), abs=0.05)
