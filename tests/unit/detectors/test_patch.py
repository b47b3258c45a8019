from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.patch import PatchConfig, PatchDetector, level_sizes, merge, sizes_of
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.records import Inversion, LabelStatus, Samples, Trigger
from tests.unit.conftest import Planted


def inversion(label: int, size: float, status: LabelStatus = LabelStatus.SETTLED, *, late: bool = False) -> Inversion:
    mask = np.full((1, 10, 10), size / 100, np.float32)
    return Inversion(label, Trigger(mask, np.zeros((1, 10, 10), np.float32)), 1.0, status, 100, late=late)


@pytest.mark.parametrize("status", [LabelStatus.UNREACHED, LabelStatus.UNFINISHED])
def test_labels_without_a_trigger_have_no_size(status: LabelStatus) -> None:
    assert sizes_of([inversion(0, 0.0, status), inversion(1, 20)]) == {1: pytest.approx(20)}


def test_smaller_trigger_of_both_counts_and_passes_add_up() -> None:
    merged = merge({label: inversion(label, 9) for label in range(3)}, {0: inversion(0, 5), 1: inversion(1, 12)})
    assert [one.trigger.mask_l1 for one in merged.values()] == pytest.approx([5, 9, 9], abs=1e-4)
    assert [one.passes for one in merged.values()] == [200, 200, 100]


def test_label_whose_refinement_was_cut_short_is_unfinished() -> None:
    merged = merge({0: inversion(0, 9)}, {0: inversion(0, 5, LabelStatus.UNFINISHED)})
    assert merged[0].status is LabelStatus.UNFINISHED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_trigger_of_screening_stays_where_refinement_found_none() -> None:
    merged = merge({0: inversion(0, 9)}, {0: inversion(0, 5, LabelStatus.UNREACHED)})
    assert merged[0].status is LabelStatus.SETTLED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_a_size_that_took_more_steps_is_no_smaller_than_is_usual() -> None:
    usual = [inversion(0, 20), inversion(1, 30), inversion(2, 40)]
    late = [inversion(3, 5, late=True), inversion(4, 50, late=True)]
    assert level_sizes([*usual, *late]) == pytest.approx({0: 20, 1: 30, 2: 40, 3: 30, 4: 50}, abs=1e-3)
    assert level_sizes(late) == sizes_of(late)


def test_of_a_label_that_had_more_steps_what_the_refinement_found_counts() -> None:
    screened = {0: inversion(0, 5, late=True), 1: inversion(1, 9), 2: inversion(2, 5, late=True)}
    refined = {0: inversion(0, 8), 1: inversion(1, 12), 2: inversion(2, 3, LabelStatus.UNREACHED)}
    merged = merge(screened, refined)
    assert [one.trigger.mask_l1 for one in merged.values()] == pytest.approx([8, 9, 5], abs=1e-4)
    assert [one.status for one in merged.values()] == [LabelStatus.SETTLED] * 3
    assert [one.late for one in merged.values()] == [False, False, True]


def test_labels_without_a_trigger_are_given_further_steps_and_compared_at_equal_effort(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    few, samples = InversionConfig(steps=12, samples_per_step=4, step_size=0.1, boosts=(0.0,)), make_samples()
    context = Context(classifier=planted(targets=(3,)), known=samples, unseen=samples, classes=8, seed=0)
    usual, further = (
        PatchDetector(PatchConfig(screening=replace(few, further_steps=steps))).measure(context, range(8))
        for steps in (0, 60)
    )
    missing = set(range(8)) - set(usual.distances)
    assert 0 < len(missing) < 8
    assert set(further.distances) == set(range(8))
    median = np.median(list(usual.distances.values()))
    assert all(further.distances[label] == size for label, size in usual.distances.items())
    assert all(further.distances[label] >= median - 1e-6 for label in missing)
    assert {label for label, one in further.artifacts.items() if one.late} == missing
