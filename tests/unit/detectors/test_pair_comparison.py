import numpy as np
import pytest

from onnxaudit.detectors.pair_comparison import compare_pairs, polish
from onnxaudit.records.arrays import Doubles

CLASSES = 6


def make_logs(*, noise: float = 0.1) -> Doubles:
    """What sources and targets add up to, with a little noise; nothing on the diagonal."""
    draw = np.random.default_rng(0)
    logs = draw.normal(size=(CLASSES, 1)) + draw.normal(size=CLASSES) + noise * draw.normal(size=(CLASSES, CLASSES))
    np.fill_diagonal(logs, np.nan)
    return logs


def test_medians_of_rows_and_columns_are_taken_off() -> None:
    rest = polish(make_logs(noise=0.0))
    assert np.isnan(np.diagonal(rest)).all()
    assert np.nanmax(np.abs(rest)) < 1e-4


def test_one_small_value_stays_as_it_is() -> None:
    logs = make_logs(noise=0.0)
    logs[2, 4] -= 3
    assert polish(logs)[2, 4] == pytest.approx(-3, abs=0.01)


def test_a_matrix_with_an_empty_row_is_polished_without_it() -> None:
    logs = make_logs(noise=0.0)
    logs[1] = np.nan
    assert np.nanmax(np.abs(polish(logs))) < 1e-4


def test_a_way_in_one_direction_stands_out() -> None:
    logs = make_logs()
    logs[2, 4] -= 2
    excess, _ = compare_pairs(logs, None)
    assert excess.argmax() == 2 * CLASSES + 4
    assert excess[2, 4] > 1.5


def test_classes_that_are_near_to_each_other_do_not() -> None:
    logs = make_logs()
    logs[2, 4] -= 2
    logs[4, 2] -= 2
    assert compare_pairs(logs, None)[0].max() < 0.5


def test_nor_do_classes_that_exact_shifts_find_alike() -> None:
    logs, shifts = make_logs(), np.exp(make_logs())
    logs[2, 4] -= 2
    shifts[2, 4] /= 8
    assert compare_pairs(logs, shifts)[0][2, 4] > 1.5  # one way alone is no likeness
    shifts[4, 2] /= 8
    assert compare_pairs(logs, shifts)[0][2, 4] < 0.5
