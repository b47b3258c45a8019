import numpy as np
import pytest

from onnxaudit.statistics import rate, rate_of


def test_wilson_interval_agrees_with_a_published_example() -> None:
    # 8 of 10: (0.490, 0.943), Agresti and Coull (1998) and every textbook table.
    half = rate(8, 10)
    assert half.value == 0.8
    assert half.low == pytest.approx(0.4902, abs=1e-4)
    assert half.high == pytest.approx(0.9433, abs=1e-4)


def test_no_trials_leave_everything_open() -> None:
    empty = rate(0, 0)
    assert empty.value is None
    assert (empty.low, empty.high) == (0.0, 1.0)


@pytest.mark.parametrize("trials", [1, 3, 34, 1000])
def test_interval_touches_its_end_exactly_where_all_or_none_succeed(trials: int) -> None:
    none, every = rate(0, trials), rate(trials, trials)
    assert none.low == 0.0
    assert 0.0 < none.high < 1.0
    assert every.high == 1.0
    assert none.high == pytest.approx(1 - every.low)


def test_interval_narrows_with_more_trials() -> None:
    assert rate(90, 100).high - rate(90, 100).low < rate(9, 10).high - rate(9, 10).low


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3), (1, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        rate(successes, trials)


def test_flags_are_counted() -> None:
    assert rate_of(np.array([True, False, True, True])) == rate(3, 4)
    assert rate_of(np.zeros(0, dtype=bool)).value is None
