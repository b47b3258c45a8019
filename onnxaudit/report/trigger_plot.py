"""A trigger as one picture in SVG, which needs no library to be drawn; pixels stay sharp squares."""

import base64
from collections.abc import Iterator

import numpy as np

from onnxaudit.records import Floats, Trigger
from onnxaudit.report.pictures import draw_trigger, encode, to_pixels

SIDE, GAP, CAPTION = 160, 12, 20  # of a picture, in units of the drawing
BAR = 6  # width of one value of a series
GRAY = "#808080"  # can be read on light and on dark
TARGET, VALUE = "#c0392b", "#2f6f9f"


def plot_trigger(trigger: Trigger, image: Floats | None = None) -> str:
    """Mask, pattern and both on an image, side by side; of a series or plain features bars, one below the other.

    Args:
        trigger: mask `(1, h, w)` and pattern `(c, h, w)`, in [0, 1].
        image: of the pattern's shape; gray where none is given.
    """
    if trigger.mask.shape[1] == 1:
        rows = [("mask", TARGET, trigger.mask[0, 0]), *_list_channels(trigger)]
        width, height = max(SIDE, BAR * trigger.mask.shape[2]), (SIDE // 2 + CAPTION + GAP) * len(rows)
        return _wrap(width, height, "".join(_draw_bars(row, *told) for row, told in enumerate(rows)))
    pictures = {} if image is None else {"image": encode(to_pixels(image))}
    pictures |= draw_trigger(trigger, image)
    wide = round(SIDE * trigger.mask.shape[2] / trigger.mask.shape[1])
    parts = "".join(_place(number, wide, name, content) for number, (name, content) in enumerate(pictures.items()))
    return _wrap(len(pictures) * (wide + GAP) - GAP, SIDE + CAPTION, parts)


def _list_channels(trigger: Trigger) -> Iterator[tuple[str, str, Floats]]:
    for number, values in enumerate(trigger.pattern[:, 0]):
        yield "pattern" if len(trigger.pattern) == 1 else f"pattern, channel {number}", VALUE, values


def _wrap(width: int, height: int, parts: str) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}><title>trigger</title>{parts}</svg>'


def _place(number: int, wide: int, name: str, content: bytes) -> str:
    """One picture with its name below."""
    left = number * (wide + GAP)
    href = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    picture = f'<image x="{left}" width="{wide}" height="{SIDE}" href="{href}" style="image-rendering: pixelated"/>'
    frame = f'<rect x="{left}" width="{wide}" height="{SIDE}" fill="none" stroke="{GRAY}"/>'
    return picture + frame + _write(left + wide / 2, SIDE + CAPTION - 6, name, "middle")


def _draw_bars(row: int, name: str, color: str, values: Floats) -> str:
    """Values in [0, 1] as bars on a line, with their name below."""
    high = SIDE // 2
    top = row * (high + CAPTION + GAP)
    heights = high * np.clip(np.nan_to_num(values), 0, 1)
    bars = "".join(
        f'<rect x="{BAR * place}" y="{top + high - tall:.1f}" width="{BAR - 1}" height="{tall:.1f}" fill="{color}"/>'
        for place, tall in enumerate(heights.tolist())
    )
    line = f'<path d="M0 {top + high}h{max(SIDE, BAR * len(values))}" stroke="{GRAY}"/>'
    return bars + line + _write(0, top + high + CAPTION - 6, name, "start")


def _write(x: float, y: float, text: str, anchor: str) -> str:
    style = f'text-anchor="{anchor}" font-family="sans-serif" font-size="12" fill="{GRAY}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{text}</text>'
