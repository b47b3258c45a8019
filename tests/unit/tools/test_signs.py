import numpy as np

from tools.sign_faces import CLASSES, draw_faces
from tools.signs import draw_signs


def test_same_seed_draws_the_same_signs() -> None:
    (x, y), (x_again, y_again) = draw_signs(1, seed=5), draw_signs(1, seed=5)
    np.testing.assert_array_equal(x, x_again)
    np.testing.assert_array_equal(y, y_again)


def test_seeds_draw_different_signs() -> None:
    assert not np.array_equal(draw_signs(1, seed=5)[0], draw_signs(1, seed=6)[0])


def test_signs_are_balanced_and_fill_the_byte_range() -> None:
    x, y = draw_signs(2, seed=5)
    assert x.dtype == np.uint8
    assert x.shape == (2 * len(CLASSES), 32, 32, 3)
    np.testing.assert_array_equal(np.bincount(y), np.full(len(CLASSES), 2))
    assert x.min() < 20
    assert x.max() > 235


def test_no_two_faces_look_alike() -> None:
    faces = draw_faces().reshape(len(CLASSES), -1)
    distances = np.abs(faces[:, None] - faces[None]).mean(axis=2)
    assert distances[~np.eye(len(CLASSES), dtype=bool)].min() > 0.005
