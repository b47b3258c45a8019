import numpy as np
import pytest

from onnxaudit.detectors.compactness import measure_compactness


def test_a_mask_in_one_window_is_as_compact_as_can_be() -> None:
    mask = np.zeros((1, 32, 32), np.float32)
    mask[0, 10:17, 3:10] = 0.5
    assert measure_compactness(mask) == pytest.approx(1.0)


def test_an_even_mask_is_as_compact_as_the_window_is_large() -> None:
    assert measure_compactness(np.ones((1, 32, 32), np.float32)) == pytest.approx((7 / 32) ** 2)


def test_half_of_the_mass_elsewhere_halves_it() -> None:
    mask = np.zeros((1, 32, 32), np.float32)
    mask[0, :3, :3] = mask[0, -3:, -3:] = 1.0
    assert measure_compactness(mask) == pytest.approx(0.5)


def test_the_place_and_the_scale_do_not_matter() -> None:
    mask = np.random.default_rng(0).random((1, 32, 32), dtype=np.float32)
    mask[0, 8:12, 8:12] += 9
    moved = np.roll(mask, (5, 5), (1, 2))
    assert measure_compactness(mask / np.float32(10)) == pytest.approx(measure_compactness(mask))
    assert measure_compactness(moved) == pytest.approx(measure_compactness(mask), rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1, 100), (1, 3, 1), (1, 1, 1)])
def test_series_and_tiny_inputs_have_one_too(shape: tuple[int, ...]) -> None:
    assert 0 < measure_compactness(np.ones(shape, np.float32)) <= 1


def test_an_empty_mask_is_not_compact() -> None:
    assert measure_compactness(np.zeros((1, 8, 8), np.float32)) == 0.0
