import numpy as np
import pytest

from tools.zoo.apply_trigger import fit_images


def test_same_shape_changes_nothing() -> None:
    images = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(fit_images(images, (3, 8, 8)), images, atol=1e-6)


@pytest.mark.parametrize("side", [4, 6, 8, 12, 16])
def test_constant_images_keep_their_color_in_every_size(side: int) -> None:
    images = np.full((1, 3, 8, 8), 0.3, np.float32)
    fitted = fit_images(images, (3, side, side))
    assert fitted.shape == (1, 3, side, side)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, 0.3, atol=1e-6)


def test_gray_is_the_luma_of_color() -> None:
    images = np.zeros((1, 3, 4, 4), np.float32)
    images[:, 1] = 1
    np.testing.assert_allclose(fit_images(images, (1, 4, 4)), 0.587, atol=1e-6)


def test_halving_averages_neighbors() -> None:
    images = np.zeros((1, 1, 4, 4), np.float32)
    images[..., ::2] = 1
    np.testing.assert_allclose(fit_images(images, (1, 2, 2))[0, 0, 0], 0.5, atol=0.13)
