from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tools.calibration.tables import make_row, make_rows
from tools.calibration.fit import fit, make_cases, weigh
from tools.calibration.folds import score_left_out

FEATURES = ("log:patch", "log:spectral")


def test_fit_weighs_what_tells_the_models_apart_and_not_the_noise() -> None:
    cases = make_cases(make_rows(), FEATURES)
    fitted = fit(cases)
    assert fitted.weights[0] > 3 * fitted.weights[1]
    assert (fitted.weights >= 0).all()
    best = weigh(cases, fitted).max(axis=1)
    assert ((best > 0) == cases.backdoored).mean() > 0.9


def test_labels_that_a_model_does_not_have_are_never_the_most_suspicious() -> None:
    cases = make_cases([make_row(1, classes=3), make_row(2, family="sig", classes=12)], FEATURES)
    odds = weigh(cases, fit(cases))
    assert (odds[0, 3:] < -1000).all()
    assert (odds[1] > -1000).all()


def test_model_without_a_single_target_takes_no_part_in_the_fit() -> None:
    rows = make_rows()
    all_to_all = replace(make_row(99, family="all-to-all", strength=0.0), targets=())
    one, other = fit(make_cases(rows, FEATURES)), fit(make_cases([*rows, all_to_all], FEATURES))
    assert other.offset == pytest.approx(one.offset)
    assert other.weights == pytest.approx(one.weights)


@pytest.mark.parametrize("group", ["family", "architecture"])
def test_scores_of_left_out_models_do_not_depend_on_their_truth(group: str) -> None:
    rows = make_rows()
    odds = score_left_out(make_cases(rows, FEATURES), group)
    assert np.isfinite(odds).all()
    best = odds.max(axis=1)
    bad = np.array([row.backdoored for row in rows])
    assert best[bad].min() > np.median(best[~bad])
    if group == "architecture":  # with one group left out the whole group's truth may be anything
        turned = [replace(row, targets=(0,)) if row.architecture == "vit" and row.backdoored else row for row in rows]
        again = score_left_out(make_cases(turned, FEATURES), group)
        vit = np.array([row.architecture == "vit" for row in rows])
        assert again[vit] == pytest.approx(odds[vit])
