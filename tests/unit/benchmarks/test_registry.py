"""The simulation keeps to what is known of queues, and the cost model to what it was fitted on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.registry import TABLE
from benchmarks.registry_costs import LARGE, Mix, Registry, draw, fit, read_races, read_scans
from benchmarks.registry_events import Plan, Simulation
from tools.calibration.table import Row

COUNT = 4000


def make_registry(seconds: np.ndarray, **changes: np.ndarray) -> Registry:
    count = len(seconds)
    plain = Registry(
        seconds=seconds,
        weights=np.arange(count),
        family=np.arange(count),
        outside=np.zeros(count, bool),
        backdoored=np.zeros(count, bool),
    )
    return replace(plain, **changes)


def test_waits_are_those_of_a_queue_with_one_server() -> None:
    rng = np.random.default_rng(0)
    arrivals = np.cumsum(rng.exponential(1.0, 20 * COUNT))
    seconds = rng.exponential(0.5, 20 * COUNT)
    course = Simulation(make_registry(seconds), arrivals, Plan(cores=1), 0).run()
    assert float(np.mean(course.verdicts - arrivals)) == pytest.approx(1.0, rel=0.05)  # 1 / (mu - lambda)
    assert course.busy == pytest.approx(seconds.sum())


def test_every_model_has_a_verdict_and_equal_weights_have_the_same() -> None:
    weights = np.repeat(np.arange(0, COUNT, 4), 4)
    course = Simulation(make_registry(np.ones(COUNT), weights=weights), np.zeros(COUNT), Plan(cores=10), 0).run()
    assert np.isfinite(course.verdicts).all()
    assert (course.verdicts == course.verdicts[weights]).all()
    assert (course.busy, course.end) == (COUNT / 4, COUNT / 40)


def test_models_from_outside_and_siblings_of_a_find_go_first() -> None:
    outside = np.arange(COUNT) == COUNT - 1
    family = np.where(np.arange(COUNT) >= COUNT - 10, COUNT, np.arange(COUNT))
    registry = make_registry(np.ones(COUNT), outside=outside, backdoored=outside, family=family)
    by_risk = Simulation(registry, np.zeros(COUNT), Plan(cores=1, sensitivity=1.0), 0).run()
    assert sorted(np.argsort(by_risk.verdicts)[:10]) == list(range(COUNT - 10, COUNT))
    assert by_risk.verdicts[-1] == 1.0
    in_order = Simulation(registry, np.zeros(COUNT), Plan(cores=1, by_risk=False), 0).run()
    assert in_order.verdicts[-1] == COUNT


def test_a_scan_that_goes_on_loses_less_than_one_that_starts_anew() -> None:
    registry = make_registry(np.full(COUNT, 10.0))
    plan = Plan(cores=4, between_failures=50.0, repair=1.0, units=10)
    goes_on, anew = (
        Simulation(registry, np.zeros(COUNT), replace(plan, resume=resume), 0).run() for resume in (True, False)
    )
    assert goes_on.busy - goes_on.lost == pytest.approx(10.0 * COUNT)
    assert anew.busy - anew.lost == pytest.approx(10.0 * COUNT)
    assert goes_on.lost <= goes_on.failures  # at most a unit each
    assert anew.lost > 3 * goes_on.lost


@pytest.mark.parametrize("read", [read_scans, read_races], ids=["small", "large"])
def test_costs_are_fitted_within_what_they_promise(read: Callable[[Path], list[Row]]) -> None:
    rows = read(TABLE)
    costs = fit(rows)
    left = np.log([row.seconds / costs.predict(row) for row in rows])
    assert abs(float(left.mean())) < 1e-6
    assert float(left.std()) <= costs.spread < 0.8


def test_large_models_of_a_registry_cost_what_races_do() -> None:
    usual, races = read_scans(TABLE), read_races(TABLE)
    registry = draw(Mix(models=COUNT), usual, races, 0)
    assert (registry.seconds == registry.seconds[registry.weights]).all()
    assert 0 < registry.backdoored.mean() < 0.02
    costs = fit(races)
    expected = np.mean([costs.predict(replace(row, shape=LARGE)) for row in races])
    assert draw(Mix(models=COUNT, large=1.0), usual, races, 0).seconds.mean() == pytest.approx(expected, rel=0.1)
