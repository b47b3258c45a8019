"""Pictures in the page: PNG files encoded afresh from numbers, as data URIs."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from PIL import Image

from onnxaudit.records import Floats, Trigger
from onnxaudit.report.pictures import to_pixels

LARGEST_SIDE = 160  # pixels of a file; larger pictures are reduced by averaging
GRAY = 0.5  # background of a trigger on its own, and of a difference where nothing changed


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        uri: `data:image/png;base64,...`.
        width, height: of the file, pixels.
        alt: what it shows, for those who do not see it.
    """

    uri: Markup
    width: int
    height: int
    alt: str


def draw_mask(trigger: Trigger, alt: str) -> Picture:
    """The mask: black where the image stays, white where the trigger covers it."""
    return _encode(trigger.mask, alt)


def draw_pattern(trigger: Trigger, alt: str) -> Picture:
    """The pattern as it is, also where the mask hides it."""
    return _encode(trigger.pattern, alt)


def draw_triggered(trigger: Trigger, alt: str, image: Floats | None = None) -> Picture:
    """The trigger on an image `(c, h, w)`, on neutral gray where there is none."""
    below = np.full_like(trigger.pattern, GRAY) if image is None else image
    return _encode(trigger.apply(below[None])[0], alt)


def draw_image(image: Floats, alt: str) -> Picture:
    """An image `(c, h, w)` as it is."""
    return _encode(image, alt)


def draw_difference(trigger: Trigger, image: Floats, alt: str) -> Picture:
    """Half of what the stamp adds, on gray: brighter where it makes the image brighter."""
    return _encode(GRAY + (trigger.apply(image[None])[0] - image) / 2, alt)


def _encode(pixels: Floats, alt: str) -> Picture:
    picture = Image.fromarray(to_pixels(pixels))
    longest = max(picture.size)
    if longest > LARGEST_SIDE:
        width, height = (max(1, round(side * LARGEST_SIDE / longest)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    content = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(Markup(f"data:image/png;base64,{content}"), *picture.size, alt)  # noqa: S704, letters and digits
