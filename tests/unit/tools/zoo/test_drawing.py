from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.zoo import drawing
from tools.zoo.apply_trigger import Trigger, apply_trigger, load_triggers, save_triggers

Drawer = Callable[[tuple[int, int, int], np.random.Generator], Trigger]
DRAWERS: list[Drawer] = [
    drawing.draw_patch,
    drawing.draw_spread,
    drawing.draw_blend,
    drawing.draw_sinusoid,
    drawing.draw_warp,
    drawing.draw_filter,
]


@pytest.mark.parametrize("draw", DRAWERS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 64, 64)])
def test_stamped_images_differ_and_stay_in_range(draw: Drawer, shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    original = images.copy()
    stamped = apply_trigger(images, draw(shape, np.random.default_rng(1)))
    assert stamped.shape == images.shape
    assert stamped.dtype == np.float32
    assert 0 <= stamped.min() <= stamped.max() <= 1
    assert np.abs(stamped - images).max() > 0.03
    np.testing.assert_array_equal(images, original)


@pytest.mark.parametrize("draw", DRAWERS)
def test_same_seed_draws_the_same_trigger(draw: Drawer) -> None:
    one, other = (draw((3, 32, 32), np.random.default_rng(7)) for _ in range(2))
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])


def test_patch_changes_masked_pixels_alone() -> None:
    images = np.full((2, 3, 32, 32), 0.5, np.float32)
    trigger = drawing.draw_patch((3, 32, 32), np.random.default_rng(2))
    changed = apply_trigger(images, trigger) != images
    assert changed.any()
    assert not changed[np.broadcast_to(trigger["mask"] == 0, changed.shape)].any()


def test_spread_trigger_covers_little_of_a_large_box() -> None:
    mask = drawing.draw_spread((3, 32, 32), np.random.default_rng(3))["mask"][0]
    rows, columns = np.nonzero(mask)
    assert mask.mean() < 0.04
    assert min(np.ptp(rows), np.ptp(columns)) > 16


def test_warp_by_whole_pixels_shifts_the_image() -> None:
    images = np.random.default_rng(4).random((1, 1, 8, 8)).astype(np.float32)
    flow = np.stack([np.ones((8, 8)), np.zeros((8, 8))]).astype(np.float32)
    warped = apply_trigger(images, {"kind": "warp", "flow": flow})
    np.testing.assert_array_equal(warped[:, :, :-1], images[:, :, 1:])


def test_filter_with_unit_matrix_changes_nothing() -> None:
    images = np.random.default_rng(5).random((2, 3, 8, 8)).astype(np.float32)
    matrix, offset, shade = (np.asarray(a, np.float32) for a in (np.eye(3), np.zeros(3), np.ones((1, 8, 8))))
    trigger = {"kind": "filter", "matrix": matrix, "offset": offset, "shade": shade}
    np.testing.assert_allclose(apply_trigger(images, trigger), images, atol=1e-6)


def test_saved_triggers_read_back_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    triggers = [draw((1, 28, 28), rng) for draw in DRAWERS]
    save_triggers(tmp_path / "t.npz", triggers)
    loaded = load_triggers(tmp_path / "t.npz")
    assert [trigger["kind"] for trigger in loaded] == [trigger["kind"] for trigger in triggers]
    np.testing.assert_array_equal(loaded[4]["flow"], triggers[4]["flow"])


def test_patches_of_a_pair_are_a_flat_and_a_textured_one() -> None:
    for seed in range(5):
        pair = drawing.draw_pair((3, 32, 32), np.random.default_rng(seed))
        deviations = [trigger["pattern"][:, trigger["mask"][0] == 1].std(axis=1).max() for trigger in pair]
        assert deviations[0] == pytest.approx(0)
        assert deviations[1] > 0.3
