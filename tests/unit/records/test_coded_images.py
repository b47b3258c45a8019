"""Images held as bytes give the very floats that they stand for."""

from typing import Any, cast

import numpy as np
import pytest
import torch

from onnxaudit.inversion.forwards import to_floats, to_tensor
from onnxaudit.records import Floats, Samples
from onnxaudit.records.coded_images import CodedImages, decode_bytes, hold

CODES = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
FLOATS = CODES.astype(np.float32) / np.float32(255.0)
INDEXES = [slice(1, 3), 2, (0, 0), np.array([3, 0]), np.array([True, False, True, False]), (slice(None), 0, 1)]


@pytest.mark.parametrize("index", INDEXES, ids=str)
def test_an_index_gives_the_floats(index: Any) -> None:
    images = CodedImages(CODES)
    np.testing.assert_array_equal(images[index], FLOATS[index])
    assert images[index].dtype == np.float32


def test_numpy_sees_the_whole_array() -> None:
    images = CodedImages(CODES)
    np.testing.assert_array_equal(np.asarray(images), FLOATS)
    np.testing.assert_array_equal(np.float32(0.5) * np.asarray(images), np.float32(0.5) * FLOATS)
    assert (images.shape, images.size, images.ndim, len(images)) == (FLOATS.shape, 256, 4, 4)


def test_tensors_of_bytes_become_the_same_floats() -> None:
    held = to_tensor(cast(Floats, CodedImages(CODES)))
    assert held.dtype is torch.uint8
    np.testing.assert_array_equal(to_floats(held).numpy(), FLOATS)
    np.testing.assert_array_equal(to_floats(to_tensor(FLOATS)).numpy(), FLOATS)


def test_samples_stay_bytes_when_some_are_taken() -> None:
    samples = Samples(cast(Floats, CodedImages(CODES)), np.arange(4), "test")
    taken = samples.take(np.array([2, 1]))
    assert isinstance(taken.images, CodedImages)
    np.testing.assert_array_equal(taken.images[:], FLOATS[[2, 1]])
    assert taken.labels is not None
    assert taken.labels.tolist() == [2, 1]


def test_small_sets_are_held_as_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    np.testing.assert_array_equal(hold(CODES), FLOATS)
    assert isinstance(hold(CODES), np.ndarray)
    monkeypatch.setattr("onnxaudit.records.coded_images.MOST_FLOATS", 255)
    assert isinstance(hold(CODES), CodedImages)
    np.testing.assert_array_equal(decode_bytes(CODES), FLOATS)
