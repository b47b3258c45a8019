import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmarks.classes import Row as Cost
from benchmarks.classes import list_growth
from benchmarks.inversion import Row, choose_labels, extrapolate, format_rows, sum_up
from benchmarks.neural_cleanse import Course, Penalty, Schedule, search
from benchmarks.stopwatch import Spent, Stopwatch
from onnxaudit.records import Trigger

SCHEDULE = Schedule(steps=60, batches=2, batch=4, stop_patience=4)
EMPTY = Trigger(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32))


class CornerReader(nn.Module):
    """Class 1 where the first pixel is bright, class 0 elsewhere."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 20 * (images[:, 0, 0, 0] - 0.5)
        return torch.stack([-bright, bright], dim=1)


def dark_images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 0.3, (count, 1, 5, 5)).astype(np.float32)


def steer(steps: list[bool]) -> tuple[Penalty, list[float]]:
    penalty = Penalty(Schedule())
    values = []
    for enough in steps:
        penalty.update(enough)
        values.append(penalty.value)
    return penalty, values


def course(seconds: float, stopped: bool = True, passes: int = 1000) -> Course:
    return Course(3, EMPTY, 10, passes, Spent(seconds, 2 * seconds), stopped)


def test_the_published_schedule_spends_about_a_million_passes() -> None:
    assert Schedule().passes == 992_000


def test_penalty_wakes_after_five_successes_in_a_row() -> None:
    _, values = steer([True] * 4 + [False] + [True] * 5)
    assert values[:-1] == [0.0] * 9
    assert values[-1] == pytest.approx(1e-3)


def test_waking_step_counts_towards_the_first_rise() -> None:
    penalty, values = steer([True] * 9)
    assert values[4:] == pytest.approx([1e-3] * 4 + [2e-3])
    assert (penalty.rose, penalty.fell) == (True, False)


def test_penalty_falls_by_more_than_it_rises_after_five_failures() -> None:
    penalty, values = steer([True] * 5 + [False] * 5)
    assert values[-1] == pytest.approx(1e-3 / 2**1.5)
    assert penalty.fell


def test_failures_before_the_penalty_wakes_do_not_count_as_a_fall() -> None:
    penalty, _ = steer([False] * 5 + [True] * 5)
    assert not penalty.fell


def test_search_finds_the_pixel_that_decides() -> None:
    found = search(CornerReader(), dark_images(), 1, SCHEDULE, steps=60, seed=0, early=False)
    assert found.trigger.mask.argmax() == 0
    assert found.trigger.mask_l1 < 2
    assert not found.stopped
    assert (found.steps, found.passes) == (60, 60 * 8)


def test_search_is_cut_off_and_repeats_itself() -> None:
    first, second = (search(CornerReader(), dark_images(), 1, SCHEDULE, steps=3, seed=1) for _ in range(2))
    assert first.passes == 3 * 8
    assert first.trigger.digest == second.trigger.digest


def test_early_stop_ends_a_search_whose_mask_no_longer_shrinks() -> None:
    found = search(CornerReader(), dark_images(), 1, Schedule(batches=2, batch=4), steps=1000, seed=0)
    assert found.stopped
    assert found.steps < 1000


def test_extrapolation_multiplies_the_seconds_of_a_pass() -> None:
    row = extrapolate(course(2.0), Schedule())
    assert row.spent.seconds == pytest.approx(2 * 992)
    assert row.spent.processor == pytest.approx(4 * 992)
    assert (row.mask, row.success) == (None, None)


def test_cut_off_searches_give_a_lower_bound() -> None:
    scan = Spent(4.0, 8.0)
    _, early, full = sum_up(10, scan, [course(2.0), course(6.0, stopped=False)], Schedule())
    assert "at least 40 s, at least 10 times the scan" in early
    assert "at least" not in full
    _, early, full = sum_up(10, scan, [course(2.0)], Schedule())
    assert "20 s, 5 times the scan; processor 40 s, 5 times" in early
    assert "19840 s" in full


def test_rows_are_compared_with_the_first() -> None:
    ours, theirs = Row("first look", 3, Spent(0.5, 1.0), 800, 4.0), Row("published", 3, Spent(50.0, 90.0), 99_200, 5.0)
    first, second = format_rows([ours, theirs])
    assert first.endswith(" 1.0")
    assert second.endswith(" 100.0")


def test_stopwatch_counts_sleep_on_the_clock_alone() -> None:
    watch = Stopwatch()
    time.sleep(0.05)
    spent = watch.read()
    assert spent.processor < spent.seconds


@pytest.mark.parametrize(("targets", "expected"), [([0], [0, 1]), ([5, 2], [5, 0]), ([], [0]), ([None], [0])])
def test_labels_are_the_target_and_the_lowest_innocent_one(targets: list[int | None], expected: list[int]) -> None:
    assert choose_labels(targets, 10) == expected


def test_growth_is_told_against_43_classes() -> None:
    rows = [
        Cost(43, Spent(10.0, 18.0), 1, 1, Spent(5.0, 9.0), Spent(100.0, 190.0)),
        Cost(1000, Spent(40.0, 54.0), 1, 1, Spent(120.0, 200.0), Spent(2300.0, 4000.0)),
    ]
    (line,) = list_growth(rows)
    assert line == "1000 classes, times 43: seconds 4.00, processor 3.00; every label 24.00, published 23.00"
    assert list_growth(rows[1:]) == []
