from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.forwards import find_hits
from onnxaudit.inversion.patch import InversionConfig, invert
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.records import Event, Inversion, LabelStatus, Samples, Trigger
from tests.some import some
from tests.unit.conftest import Planted

QUICK = InversionConfig(steps=60)


class Broken(nn.Module):
    """Answers NaN for `label` as soon as an image is not black in its corner, else rightly."""

    def __init__(self, inner: nn.Module, label: int) -> None:
        super().__init__()
        self.inner, self.label = inner, label

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.inner(pixels)
        spoiled = torch.full_like(logits, torch.nan)
        return torch.where(torch.arange(logits.shape[1]) == self.label, spoiled, logits)


def test_planted_trigger_is_found_where_it_was_planted(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    inversions = invert(planted(targets=(3,)), make_samples(), range(8), QUICK, seed=0)
    sizes = [one.trigger.mask_l1 for one in inversions]
    target = inversions[3]
    assert [one.label for one in inversions] == list(range(8))
    assert np.argmin(sizes) == 3
    assert target.status is LabelStatus.SETTLED
    assert target.success_rate >= 0.9
    assert target.trigger.mask[0, :2, :2].sum() > 0.8 * target.trigger.mask_l1
    assert target.trigger.pattern[0, :2, :2].min() > 0.8


def test_triggers_stay_in_pixel_space(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    for one in invert(planted(), make_samples(), [0, 5], QUICK, seed=0):
        assert one.trigger.mask.shape == one.trigger.pattern.shape == (1, 12, 12)
        for part in (one.trigger.mask, one.trigger.pattern):
            assert part.dtype == np.float32
            assert part.min() >= 0.0
            assert part.max() <= 1.0


def test_same_seed_gives_the_same_triggers_and_another_seed_others(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    first, again, other = (invert(planted(), make_samples(), [1, 2], QUICK, seed=seed) for seed in (4, 4, 5))
    assert [one.trigger.digest for one in first] == [one.trigger.digest for one in again]
    assert all(one.trigger.digest != another.trigger.digest for one, another in zip(first, other, strict=True))


def test_course_of_a_label_does_not_depend_on_its_company(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    (alone,) = invert(planted(), make_samples(), [6], QUICK, seed=0)
    together = invert(planted(), make_samples(), range(8), QUICK, seed=0)[6]
    np.testing.assert_allclose(alone.trigger.mask, together.trigger.mask, atol=1e-3)
    assert alone.passes == together.passes


def test_chunks_do_not_change_the_outcome(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    whole, parts = (
        invert(planted(), make_samples(), range(4), replace(QUICK, steps=10, chunk_pixels=size), seed=0)
        for size in (2**20, 1)
    )
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.trigger.mask, other.trigger.mask, atol=1e-4)


def test_label_without_samples_of_other_classes_is_unfinished(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    samples = make_samples()
    (one,) = invert(planted(), samples.take(some(samples.labels) == 2), [2], QUICK, seed=0)
    assert (one.status, one.passes, one.success_rate) == (LabelStatus.UNFINISHED, 0, 0.0)


def test_predicted_classes_stand_in_for_labels(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    unlabelled = make_samples(labelled=False)
    given = invert(planted(), make_samples(), [0], QUICK, seed=0)
    predicted = invert(planted(), unlabelled, [0], QUICK, seed=0)
    assert given[0].trigger.digest == predicted[0].trigger.digest


def test_label_that_cannot_be_reached_is_told(make_samples: Callable[..., Samples]) -> None:
    class Blocked(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return torch.nn.functional.pad(pixels.mean((2, 3)), (1, 0), value=-1e4)

    (one,) = invert(Blocked(), replace(make_samples(), labels=None), [0], QUICK, seed=0)
    assert (one.status, one.success_rate) == (LabelStatus.UNREACHED, 0.0)
    assert one.passes == QUICK.steps * QUICK.samples_per_step


def test_nan_is_no_success(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    (one,) = invert(Broken(planted(), 3), make_samples(), [3], QUICK, seed=0)
    assert (one.status, one.success_rate) == (LabelStatus.UNREACHED, 0.0)
    assert np.isfinite(one.trigger.mask).all()


def test_passed_deadline_leaves_labels_unfinished(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    inversions = invert(planted(), make_samples(), [0, 1], QUICK, seed=0, deadline=Deadline(at=0.0))
    assert [one.status for one in inversions] == [LabelStatus.UNFINISHED] * 2


def test_labels_leave_the_batch_once_settled(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    config = InversionConfig(steps=400, schedule=Schedule(success=0.95, late=True, patience=10))
    inversions = invert(planted(targets=(3,)), make_samples(), range(8), config, seed=0)
    assert all(one.status is LabelStatus.SETTLED for one in inversions)
    assert max(one.passes for one in inversions) < config.steps * config.samples_per_step
    assert len({one.passes for one in inversions}) > 1


def test_progress_ends_with_all_labels_done(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    events: list[Event] = []
    invert(planted(), make_samples(), range(8), QUICK, seed=0, on_event=events.append)
    assert {event.stage for event in events} == {"invert"}
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert (events[-1].done, events[-1].total) == (8, 8)


def test_weights_gather_no_gradients(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    classifier = planted()
    classifier.prototypes.requires_grad_(True)
    invert(classifier, make_samples(), [0], replace(QUICK, steps=3), seed=0)
    assert classifier.prototypes.grad is None


@pytest.mark.parametrize("images", [np.zeros((1, 3, 8, 6), np.float32)])
def test_colour_and_oblong_images_are_fine(images: np.ndarray) -> None:
    class Mean(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.mean((2, 3))

    samples = Samples(np.repeat(images, 4, axis=0), np.zeros(4, dtype=np.int64), "black")
    (one,) = invert(Mean(), samples, [1], QUICK, seed=0)
    assert one.status is LabelStatus.SETTLED
    assert one.trigger.mask.shape == (1, 8, 6)
    assert one.trigger.pattern.shape == (3, 8, 6)


def test_results_do_not_depend_on_the_number_of_cores(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    # Two labels a part.
    config = InversionConfig(steps=20, chunk_pixels=2 * 8 * 12 * 12)

    def run() -> tuple[Inversion, ...]:
        return invert(planted(targets=(3,)), make_samples(), range(5), config, seed=0)

    threads = torch.get_num_threads()
    found = []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        found.append([one.trigger.digest for one in run()])
    torch.set_num_threads(threads)
    assert found[0] == found[1]


def test_a_trigger_that_misses_too_often_is_not_tried_on_the_rest(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    classifier, images, seen = planted(), make_samples().images, list[int]()
    classifier.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    nothing = Trigger(np.zeros((1, 12, 12), np.float32), np.zeros((1, 12, 12), np.float32))
    few = 4 * 12 * 12  # pixels
    hits = find_hits(classifier, images, nothing, 7, few)
    assert sum(seen) == len(images)
    seen.clear()
    assert not find_hits(classifier, images, nothing, 7, few, wanted=0.9).any()
    assert hits.sum() == 6
    assert sum(seen) < len(images) / 2
