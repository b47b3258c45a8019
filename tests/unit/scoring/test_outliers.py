from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxaudit.scoring.outliers import anomaly_indexes, log_indexes
from tests.some import some

Indexes = Callable[[Sequence[float | None]], tuple[float | None, ...]]
BOTH = pytest.mark.parametrize("indexes", [anomaly_indexes, log_indexes])


def test_raw_index_is_the_published_one() -> None:
    # median 10, deviations 8 1 0 1 2, MAD 1
    assert anomaly_indexes([2, 9, 10, 11, 12]) == pytest.approx([8 / 1.4826, 1 / 1.4826, 0, 1 / 1.4826, 2 / 1.4826])


def test_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    # median 11, deviations 9 1 1 3, MAD 2; the lower middle would give median 10 and MAD 2 of 8 0 2 4
    assert anomaly_indexes([2, 10, 12, 14])[0] == pytest.approx(9 / (1.4826 * 2))


def test_log_index_is_positive_below_the_median_and_negative_above() -> None:
    index = log_indexes([1, 8, 9, 10, 70])
    assert some(index[0]) > 2
    assert index[2] == 0
    assert some(index[4]) < -2


@BOTH
def test_equal_sizes_have_no_index(indexes: Indexes) -> None:
    assert indexes([7.1] * 10) == (None,) * 10


@BOTH
def test_no_index_where_more_than_half_of_the_sizes_are_equal(indexes: Indexes) -> None:
    assert indexes([1, 5, 5, 5, 9]) == (None,) * 5


@BOTH
@pytest.mark.parametrize("sizes", [[], [3.0], [3.0, 90.0], [3.0, 90.0, None, np.nan]])
def test_two_sizes_have_no_index(indexes: Indexes, sizes: list[float | None]) -> None:
    assert indexes(sizes) == (None,) * len(sizes)


@BOTH
@pytest.mark.parametrize("missing", [None, np.nan, np.inf])
def test_missing_sizes_take_no_part(indexes: Indexes, missing: float | None) -> None:
    known = indexes([2, 9, 10, 11, 12])
    assert indexes([2, 9, missing, 10, 11, 12, missing]) == (*known[:2], None, *known[2:], None)


@BOTH
def test_size_zero_is_an_outlier_and_no_error(indexes: Indexes) -> None:
    assert some(indexes([0.0, 9, 10, 11, 12])[0]) > 5


@given(
    st.lists(st.floats(1, 1000), min_size=3, max_size=50),
    st.floats(1.5, 50),
)
def test_indexes_do_not_depend_on_the_unit_of_size(sizes: list[float], factor: float) -> None:
    scaled = [size * factor for size in sizes]
    for indexes in (anomaly_indexes, log_indexes):
        for before, after in zip(indexes(sizes), indexes(scaled), strict=True):
            if before is not None and after is not None:
                assert after == pytest.approx(before, rel=1e-3, abs=1e-3)
