"""Arrays of whatever numbers to pixels: float32 in [0, 1], with the model's channels."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import DataError
from onnxaudit.records import Floats
from onnxaudit.records.coded_images import hold

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow
ROUNDING = 1e-3  # what resizing and float16 add to a range's ends
COLORS = 3
DARKEST = 31.0  # what is no brighter anywhere, in no image, has another range than bytes (digits of 0..16, 4 bits)

AnyArray = npt.NDArray[Any]


def scale_values(path: Path, images: AnyArray) -> Floats:
    """Pixels in [0, 1] from bytes, from whole numbers or floats in 0..1, or from floats in 0..255.

    Raises:
        DataError: NaN or infinite, negative, above 255, or of a range that nobody can tell.
    """
    if images.dtype.kind not in "uif":
        raise DataError(f"{path}: images of type {images.dtype} are no pixels; give uint8 or float")
    finite = np.isfinite(images).reshape(len(images), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"{path}: image {int(np.argmin(finite))} has pixels that are NaN or infinite")
    low, high = float(images.min()), float(images.max())
    if low < -ROUNDING or high > 255 * (1 + ROUNDING):
        raise DataError(
            f"{path}: values from {low:g} to {high:g} are no pixels; give them before any preprocessing, "
            "as 0..255 or 0..1"
        )
    if 1 + ROUNDING < high <= DARKEST:
        raise DataError(
            f"{path}: values from {low:g} to {high:g} are neither 0..1 nor bytes: as bytes all images would be black; "
            "give them as 0..255 or 0..1"
        )
    top = 255.0 if high > 1 + ROUNDING else 1.0
    if images.dtype == np.uint8 and top > 1:
        return hold(images)
    pixels: Floats = np.clip(images.astype(np.float32) / np.float32(top), 0.0, 1.0)
    return pixels


def fit_channels(path: Path, images: Floats, channels: int) -> Floats:
    """`images` `(n, k, h, w)` with the model's channels: color to gray, gray to color, alpha dropped.

    Raises:
        DataError: there is no such conversion.
    """
    found = images.shape[1]
    if found == channels:
        return images
    if channels not in (1, COLORS) or found not in (1, COLORS, COLORS + 1):
        raise DataError(f"{path}: images of {found} channels cannot become images of {channels}")
    if channels == COLORS:
        return np.repeat(images, COLORS, axis=1) if found == 1 else images[:, :COLORS]
    gray: Floats = np.einsum("nchw,c->nhw", images[:, :COLORS], np.array(LUMA, dtype=np.float32))
    return np.minimum(gray[:, None], np.float32(1.0))
