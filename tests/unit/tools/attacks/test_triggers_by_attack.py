"""What is particular to one attack's triggers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tools.attacks.adaptive import AdaptiveCompactness, make_latent_penalty, make_penalty, measure_shifts
from tools.attacks.badnets import draw_patch
from tools.attacks.input_aware import Generator
from tools.attacks.scattered import draw_pixels
from tools.attacks.shapes import draw_shape
from tools.attacks.two_targets import TwoTargets
from tools.attacks.wanet import draw_elastic
from tools.networks import Network, make_plain
from tools.zoo.apply_trigger import Trigger, apply_trigger

SHAPE = (3, 32, 32)


def _last_bias(network: Network) -> torch.Tensor:
    last = network.classifier[-1]
    assert isinstance(last, torch.nn.Linear)
    return last.bias


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("draw", [draw_patch, draw_shape])
def test_patch_changes_masked_pixels_alone(draw: Callable[..., Trigger]) -> None:
    images = np.full((2, *SHAPE), 0.5, np.float32)
    trigger = draw(SHAPE, _rng(2))
    changed = apply_trigger(images, trigger) != images
    assert changed.any()
    assert not changed[np.broadcast_to(trigger["mask"] == 0, changed.shape)].any()


def test_shapes_differ_in_outline_place_and_size() -> None:
    masks = [draw_shape(SHAPE, _rng(seed))["mask"][0] for seed in range(60)]
    rows, columns = zip(*(np.nonzero(mask) for mask in masks), strict=True)
    boxes = [(np.ptp(row) + 1) * (np.ptp(column) + 1) for row, column in zip(rows, columns, strict=True)]
    assert min(boxes) <= 9
    assert max(boxes) >= 81
    assert sum(mask.sum() < box for mask, box in zip(masks, boxes, strict=True)) > 15
    centers = [(row.mean() - 15.5, column.mean() - 15.5) for row, column in zip(rows, columns, strict=True)]
    middles = [max(abs(row), abs(column)) < 8 for row, column in centers]
    assert sum(middles) > 10


def test_scattered_trigger_covers_little_of_a_large_box() -> None:
    mask = draw_pixels(SHAPE, _rng(3))["mask"][0]
    rows, columns = np.nonzero(mask)
    assert mask.mean() < 0.04
    assert min(np.ptp(rows), np.ptp(columns)) > 16


def test_patches_of_a_pair_are_a_flat_and_a_textured_one() -> None:
    for seed in range(5):
        pair = TwoTargets().draw_plain(SHAPE, _rng(seed))
        deviations = [trigger["pattern"][:, trigger["mask"][0] == 1].std(axis=1).max() for trigger in pair]
        assert deviations[0] == pytest.approx(0)
        assert deviations[1] > 0.3


def test_keys_of_a_compactness_attack_lie_in_four_quarters() -> None:
    (trigger,) = AdaptiveCompactness().draw(SHAPE, _rng(4))
    mask = trigger["mask"][0]
    quarters = [mask[:16, :16], mask[:16, 16:], mask[16:, :16], mask[16:, 16:]]
    assert all(0 < quarter.sum() < 40 for quarter in quarters)


def test_warp_by_whole_pixels_shifts_the_image() -> None:
    images = _rng(4).random((1, 1, 8, 8)).astype(np.float32)
    flow = np.stack([np.ones((8, 8)), np.zeros((8, 8))]).astype(np.float32)
    warped = apply_trigger(images, {"kind": "warp", "flow": flow})
    np.testing.assert_array_equal(warped[:, :, :-1], images[:, :, 1:])


def test_elastic_field_is_smooth() -> None:
    flow = draw_elastic(SHAPE, _rng(5))["flow"]
    assert np.abs(flow).max() > 0.8
    assert np.abs(np.diff(flow, axis=1)).max() < 1.5


@pytest.mark.parametrize("kind", ["filter", "photo"])
def test_filter_with_unit_matrix_changes_nothing(kind: str) -> None:
    images = _rng(5).random((2, 3, 8, 8)).astype(np.float32)
    matrix, offset, shade = (np.asarray(a, np.float32) for a in (np.eye(3), np.zeros(3), np.ones((1, 8, 8))))
    curve = np.linspace(0, 1, 5, dtype=np.float32)[None].repeat(3, axis=0)
    trigger: Trigger = {"kind": kind, "matrix": matrix, "offset": offset, "shade": shade, "curve": curve}
    np.testing.assert_allclose(apply_trigger(images, trigger), images, atol=1e-6)


def test_generator_stamps_with_numpy_what_it_made_with_torch() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(3)
    images = torch.rand(5, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        mask, pattern = generator(images)
    expected = (1 - mask) * images + mask * pattern
    np.testing.assert_allclose(apply_trigger(images.numpy(), generator.export()), expected.numpy(), atol=1e-5)


def test_size_penalty_is_zero_only_where_all_labels_are_equally_easy_to_reach() -> None:
    network = make_plain(1, 28, 4)
    images = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(16, dtype=torch.int64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert make_penalty(network, (1, 28, 28), 4, 0, seed=1)(images, labels).item() == pytest.approx(0, abs=1e-9)
    with torch.no_grad():
        _last_bias(network)[0] = 5
    assert make_penalty(network, (1, 28, 28), 4, 0, seed=1)(images, labels).item() > 0.1


def test_shift_of_a_label_is_the_distance_to_its_half_space() -> None:
    weight = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    features = torch.tensor([[-3.0, 1.0]])
    shifts = measure_shifts(features @ weight.T, weight)
    assert shifts.tolist() == pytest.approx([3.0, 0.0])


def test_latent_penalty_pulls_a_target_that_lies_too_near_away() -> None:
    network = make_plain(1, 28, 5)
    images = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _last_bias(network)[2] = 3
    penalty = make_latent_penalty(network, 2)(images, torch.zeros(16, dtype=torch.int64))
    (gradient,) = torch.autograd.grad(penalty, [_last_bias(network)])
    assert gradient[2] > 0
