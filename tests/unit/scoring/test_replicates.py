"""Means of what several measurements say."""

from dataclasses import replace

import pytest

from onnxaudit.scoring.label_evidence import LabelEvidence
from onnxaudit.scoring.replicates import average
from onnxaudit.statistics import rate


def say(label: int, log_odds: float, *, ratio: float = 1.0, successes: int = 4, shown: bool = True) -> LabelEvidence:
    success = rate(successes, 4)
    return LabelEvidence(label, {"patch": ratio}, log_odds, 10.0 * ratio, success, shown=shown, added=log_odds + 3)


def test_log_odds_are_arithmetic_means_and_ratios_geometric_ones() -> None:
    first, second = average([[say(0, 1.0, ratio=4.0), say(1, 0.5)], [say(1, 0.5), say(0, -2.0, successes=1)]])
    assert (first.label, first.log_odds) == (1, 0.5)
    assert (second.label, second.log_odds, second.added) == (0, -0.5, 2.5)
    assert second.ratios == pytest.approx({"patch": 2.0})
    assert (second.success, second.size) == (rate(5, 8), 40.0)


def test_a_label_is_what_those_say_that_measured_it() -> None:
    found = average([[say(0, 1.0), say(1, -1.0)], [say(0, 3.0)]])
    assert [(one.label, one.log_odds) for one in found] == [(0, 2.0), (1, -1.0)]


def test_a_measurement_that_found_no_trigger_of_a_label_does_not_clear_it() -> None:
    nothing = replace(say(0, -4.0), size=None, ratios={})
    (found,) = average([[say(0, 0.2)], [nothing], [say(0, 0.6)]])
    assert found.log_odds == pytest.approx(0.4)
    (nowhere,) = average([[nothing], [nothing]])
    assert nowhere.log_odds == -4.0


def test_what_a_single_measurement_says_stays() -> None:
    one = (say(0, 1.0), say(1, -1.0))
    assert average([one]) == one


def test_what_one_of_them_shows_is_shown() -> None:
    (found,) = average([[say(0, 1.0, shown=False)], [say(0, 1.0)]])
    assert found.shown


def test_one_lucky_measurement_of_a_badly_trained_model_does_not_convince() -> None:
    """Held at 0, as log-odds of less than 4 are there, the mean of 1.0 and 4.4 would be 2.2 and accuse the label."""
    unsure = replace(say(0, 0.0), convincing=4.0, withheld=1.0)
    lucky = replace(say(0, 4.4), convincing=4.0)
    (found,) = average([[unsure], [lucky]])
    assert (found.log_odds, found.withheld) == pytest.approx((0.0, 2.7))
    (sure,) = average([[replace(unsure, withheld=3.9)], [lucky]])
    assert (sure.log_odds, sure.withheld) == pytest.approx((4.15, 0.0))
