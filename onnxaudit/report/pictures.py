"""Triggers as pictures."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from rich.text import Text

from onnxaudit.records import Floats, Trigger

Bytes = npt.NDArray[np.uint8]

GRAY = 0.5  # background of a stamp where no clean image is at hand
SHORTEST_SIDE = 256  # pixels of a picture file, at least
LARGEST_TERMINAL_SIDE = 32  # pixels of a picture made of characters, at most


def draw_trigger(trigger: Trigger, image: Floats | None = None) -> dict[str, bytes]:
    """PNG files of a trigger by name: `mask`, `pattern` and `triggered`, enlarged without smoothing.

    Args:
        trigger: mask and pattern.
        image: a clean image `(c, h, w)` in [0, 1] to stamp; gray where none is given.
    """
    pictures = {"mask": trigger.mask, "pattern": trigger.pattern, "triggered": _stamp(trigger, image)}
    return {name: encode(to_pixels(pixels)) for name, pixels in pictures.items()}


def sketch_trigger(trigger: Trigger) -> Text:
    """The trigger on gray, two pixels a character, for terminals with colors."""
    pixels = to_pixels(_stamp(trigger, None))
    step = -(-max(pixels.shape[:2]) // LARGEST_TERMINAL_SIDE)
    pixels = pixels[::step, ::step]
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])
    rows = (_sketch_row(upper, lower) for upper, lower in zip(pixels[::2], pixels[1::2], strict=True))
    return Text("\n").join(rows)


def _stamp(trigger: Trigger, image: Floats | None) -> Floats:
    below = np.full_like(trigger.pattern, GRAY) if image is None else image
    assert below.shape == trigger.pattern.shape, (below.shape, trigger.pattern.shape)
    triggered: Floats = trigger.apply(below[None])[0]
    return triggered


def to_pixels(pixels: Floats) -> Bytes:
    """`(c, h, w)` in [0, 1] as RGB `(h, w, 3)`; one channel is gray, and of more than three the first counts."""
    rgb = pixels if len(pixels) == 3 else np.repeat(pixels[:1], 3, axis=0)
    return np.rint(255 * np.clip(np.nan_to_num(rgb), 0, 1)).astype(np.uint8).transpose(1, 2, 0)


def encode(pixels: Bytes) -> bytes:
    """A PNG file of RGB `(h, w, 3)`, enlarged without smoothing."""
    height, width = pixels.shape[:2]
    scale = max(1, -(-SHORTEST_SIDE // min(height, width)))
    file = io.BytesIO()
    Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def _sketch_row(upper: Bytes, lower: Bytes) -> Text:
    row = Text()
    for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
        row.append("▀", Style(color=_color(top), bgcolor=_color(bottom)))
    return row


def _color(pixel: list[int]) -> Color:
    return Color.from_triplet(ColorTriplet(*pixel))
