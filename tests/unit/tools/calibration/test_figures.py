import math

import numpy as np
import pytest

from tools.calibration.figures import bound, format_share, measure_auroc, measure_entropy


def test_auroc_counts_pairs_and_ties_as_halves() -> None:
    assert measure_auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1])) == pytest.approx(3.5 / 4)
    assert math.isnan(measure_auroc(np.array([]), np.array([0.5])))


def test_entropy_weighs_both_kinds_the_same_and_clips() -> None:
    value = measure_entropy(np.array([0.5, 0.5, 0.5]), np.array([0.0]))
    assert value == pytest.approx((math.log(2) - math.log(0.99)) / 2)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"), [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (17, 24, 0.4891, 0.8738)]
)
def test_interval_is_the_exact_one(count: int, total: int, low: float, high: float) -> None:
    assert bound(count, total) == pytest.approx((low, high), abs=1e-3)


def test_no_alarm_on_299_clean_models_bounds_the_rate_by_one_percent() -> None:
    assert bound(0, 299, confidence=0.9)[1] == pytest.approx(0.01, abs=1e-4)


def test_shares_are_written_in_percent() -> None:
    assert format_share(0, 10) == "0/10 [0, 31]"
    assert format_share(0, 0) == "-"
