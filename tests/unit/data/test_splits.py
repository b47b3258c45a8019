import numpy as np
import pytest

from onnxaudit.data.splits import split
from onnxaudit.records import Samples
from tests.some import some


def samples(labels: list[int] | None, count: int = 0) -> Samples:
    """Each image's only pixel is its position."""
    count = count or len(some(labels))
    images = np.arange(count, dtype=np.float32).reshape(count, 1, 1, 1)
    return Samples(images, None if labels is None else np.array(labels), "test")


def positions(part: Samples) -> list[int]:
    return part.images.reshape(-1).astype(int).tolist()


def test_halves_are_stratified_by_label() -> None:
    x, valid = split(samples([0] * 6 + [1] * 4), seed=0)
    assert np.bincount(some(x.labels)).tolist() == [3, 2]
    assert np.bincount(some(valid.labels)).tolist() == [3, 2]


def test_every_sample_is_in_one_half() -> None:
    x, valid = split(samples([0, 1, 2] * 5), seed=3)
    assert sorted(positions(x) + positions(valid)) == list(range(15))


def test_the_odd_one_goes_to_x() -> None:
    x, valid = split(samples([0, 0, 0, 1]), seed=0)
    assert np.bincount(some(x.labels)).tolist() == [2, 1]
    assert some(valid.labels).tolist() == [0]


@pytest.mark.parametrize(("count", "classes"), [(100, 94), (30, 30), (7, 7)])
def test_a_third_is_kept_back_where_classes_have_one_image(count: int, classes: int) -> None:
    x, valid = split(samples([place % classes for place in range(count)]), seed=0)
    assert len(valid) == count // 3
    assert sorted(positions(x) + positions(valid)) == list(range(count))


def test_predictions_stand_in_for_labels() -> None:
    predicted = np.array([0] * 4 + [1] * 4)
    x, valid = split(samples(None, 8), predicted, seed=0)
    assert (predicted[positions(x)] == 0).sum() == (predicted[positions(valid)] == 0).sum() == 2
    assert x.labels is None


@pytest.mark.parametrize("count", [8, 9])
def test_without_labels_and_predictions_halves_are_random(count: int) -> None:
    x, valid = split(samples(None, count), seed=0)
    assert (len(x), len(valid)) == (count - count // 2, count // 2)


def test_the_seed_decides() -> None:
    many = samples([0] * 50)
    assert positions(split(many, seed=1)[0]) == positions(split(many, seed=1)[0])
    assert positions(split(many, seed=1)[0]) != positions(split(many, seed=2)[0])
