import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxaudit.scoring.closeness import (
    HIGHEST_EXCESS,
    HIGHEST_GAP,
    HIGHEST_Z,
    NATURAL_LEADS,
    Values,
    count_with_size,
    exceed_natural,
    limit,
    measure_gap,
    score_z,
    take_log,
    take_off_nature,
)


def exceed_by_warp(logs: Values) -> Values:
    return exceed_natural({"warp": logs})


FORMS: list[Callable[[Values], Values]] = [limit, measure_gap, score_z, exceed_by_warp]


def make_logs(first: float, others: int = 12) -> Values:
    return np.array([first, *np.linspace(-0.2, 0.2, others)])


@pytest.mark.parametrize("form", FORMS)
@given(lower=st.floats(-2, 3), rise=st.floats(0, 2))
def test_more_conspicuous_never_counts_less(form: Callable[[Values], Values], lower: float, rise: float) -> None:
    assert form(make_logs(lower + rise))[0] >= form(make_logs(lower))[0] - 1e-9


@pytest.mark.parametrize("form", FORMS)
def test_what_was_not_measured_counts_nothing(form: Callable[[Values], Values]) -> None:
    assert form(np.array([np.nan, 1.0, 0.0]))[0] == 0
    assert not form(np.full(3, np.nan)).any()


def test_z_of_few_labels_is_drawn_to_the_usual_spread() -> None:
    alike = np.array([0.3, 0.0, 0.0, 0.0])
    assert score_z(alike)[0] < 0.3 / 0.01
    assert score_z(make_logs(9.0))[0] == HIGHEST_Z


def test_a_gap_is_measured_from_the_nearest_of_all_others_but_a_tenth() -> None:
    assert measure_gap(make_logs(2.5, others=9))[0] == HIGHEST_GAP
    assert not measure_gap(np.array([2.0, 2.0, *np.zeros(8)])).any()
    two_of_many = measure_gap(np.array([0.3, 0.3, *np.zeros(18)]))
    assert two_of_many[0] == pytest.approx(1.0)
    assert two_of_many[1] == pytest.approx(1.0)


def test_among_few_labels_there_is_no_gap() -> None:
    assert not measure_gap(np.array([3.0, 0.0, 0.0, 0.0])).any()


def test_compactness_of_a_large_trigger_counts_nothing() -> None:
    assert count_with_size(np.array([1.0, 1.0]), np.array([0.0, math.log(2.5)])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", NATURAL_LEADS)
def test_a_lead_that_clean_models_have_counts_nothing(name: str) -> None:
    natural = NATURAL_LEADS[name]
    assert not exceed_natural({name: np.array([1.0, 1.0 - natural, 0.0])}).any()
    assert exceed_natural({name: np.array([1.5 * natural, 0.0, 0.0])})[0] == pytest.approx(0.5)
    assert exceed_natural({name: np.array([9.0, 0.0, 0.0])})[0] == HIGHEST_EXCESS


def test_of_several_detectors_the_one_that_exceeds_most_counts() -> None:
    alike, ahead = np.array([1.0, 1.0, 0.0]), np.array([0.56, 0.0, 0.0])
    assert exceed_natural({"spectral": alike, "warp": ahead})[0] == pytest.approx(1.0)


def test_a_ratio_of_nothing_is_finite() -> None:
    assert np.isfinite(take_log(np.zeros(2))).all()


def test_what_surrogates_say_nothing_of_stays_as_it_was_found() -> None:
    sizes = np.array([0.5, np.nan, -0.2])
    assert take_off_nature(sizes, np.array([np.nan, 0.3, 0.0])) == pytest.approx(sizes, nan_ok=True)
    assert take_off_nature(sizes, np.array([-0.4, -0.4, -0.4]))[0] < 0.5
