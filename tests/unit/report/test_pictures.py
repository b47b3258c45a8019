"""Pictures show the trigger's own pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from onnxaudit.records import Trigger
from onnxaudit.report.pictures import SHORTEST_SIDE, draw_trigger, sketch_trigger
from tools.testbed.reports import make_trigger


def read(picture: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")) / 255.0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_enlarged_without_smoothing(channels: int) -> None:
    trigger = make_trigger(channels)
    pictures = draw_trigger(trigger)
    assert list(pictures) == ["mask", "pattern", "triggered"]
    mask = read(pictures["mask"])
    assert min(mask.shape[:2]) >= SHORTEST_SIDE
    assert set(np.unique(mask)) == {0.0, 1.0}
    scale = len(mask) // 8
    np.testing.assert_array_equal(mask[::scale, ::scale, 0], trigger.mask[0])


def test_the_stamp_shows_the_pattern_where_the_mask_is_and_the_image_elsewhere() -> None:
    trigger = make_trigger()
    image = np.full((3, 8, 8), 0.2, np.float32)
    triggered = read(draw_trigger(trigger, image)["triggered"])[::32, ::32].transpose(2, 0, 1)
    np.testing.assert_allclose(triggered, trigger.apply(image[None])[0], atol=0.5 / 255 + 1e-6)


def test_a_sketch_holds_two_pixels_a_character() -> None:
    lines = sketch_trigger(make_trigger()).plain.split("\n")
    assert lines == ["▀" * 8] * 4


def test_a_large_trigger_is_sketched_small() -> None:
    mask = np.zeros((1, 225, 301), np.float32)
    lines = sketch_trigger(Trigger(mask, np.zeros((3, 225, 301), np.float32))).plain.split("\n")
    assert len(lines) <= 16
    assert len(lines[0]) <= 32
