import numpy as np
import pytest

from onnxaudit.detection.normality import LEAST_SPREAD, describe_normal


def test_equal_weights_give_the_plain_statistics():
    values = [3.0, 1.0, 7.0, 4.0]
    normal = describe_normal(values, [2.0] * 4)
    assert normal.median == 3.5
    assert normal.mean == pytest.approx(np.mean(values))
    assert normal.spread == pytest.approx(np.std(values, ddof=1))
    assert normal.count == pytest.approx(4)
    assert normal.freedom == 3


def test_odd_number_of_values_has_its_middle_as_median():
    assert describe_normal([5.0, 1.0, 2.0], [1.0] * 3).median == 2.0


def test_integer_weights_count_like_repeated_values():
    normal = describe_normal([1.0, 2.0, 5.0], [1, 1, 8])
    assert normal.median == 5.0
    assert normal.mean == pytest.approx((1 + 2 + 8 * 5) / 10)


def test_a_sample_of_unequal_weights_tells_less_than_its_number():
    assert describe_normal([1.0, 2.0, 5.0, 6.0], [1, 1, 10, 10]).count < 3


def test_equal_values_have_the_least_spread_that_seeds_make():
    assert describe_normal([2.0] * 5, [1.0] * 5).spread == LEAST_SPREAD
