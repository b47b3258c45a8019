"""One picture file to pixels."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from onnxaudit.errors import DataError
from onnxaudit.records import Floats, InputSpec

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
MOST_PIXELS = 2**26  # of one picture, 67 million; a few bytes of file can declare any size
MODES = {1: "L", 3: "RGB"}
SIDEWAYS = range(5, 9)  # EXIF orientations that swap height and width

# What Pillow's decoders raise on damaged files, besides OSError.
_DAMAGED = (SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


def read_picture(path: Path, spec: InputSpec) -> Floats:
    """A picture as the model's pixels `(c, h, w)` in [0, 1].

    It is turned as its EXIF orientation says, loses its alpha channel, becomes gray or RGB, and is resized
    (bilinear, antialiased; the aspect ratio gives way). Of several frames the first counts.

    Raises:
        DataError: damaged, no picture, or too large.
    """
    with _open(path) as image:
        pixels = _fit(image, spec)
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1), dtype=np.float32) / np.float32(255.0)


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture, turned as its EXIF orientation says.

    Raises:
        DataError: damaged or no picture.
    """
    with _open(path) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in SIDEWAYS
        return (image.width, image.height) if turned else (image.height, image.width)


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """A picture that can be decoded; whatever Pillow raises on the way becomes a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about broken metadata, and sizes that are checked here
            with Image.open(path) as image:
                _check_size(path, image)
                yield image
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too many pixels; pictures of up to {MOST_PIXELS:,} are read") from error
    except OSError as error:
        raise DataError(f"{path}: not a picture, or damaged: {error.strerror or 'it cannot be decoded'}") from error
    except _DAMAGED as error:
        raise DataError(f"{path}: the picture is damaged") from error


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise DataError(
            f"{path}: {image.width}×{image.height} are too many pixels; pictures of up to {MOST_PIXELS:,} are read"
        )


def _fit(image: Image.Image, spec: InputSpec) -> Floats:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    image = image.convert(MODES[spec.channels])
    if image.size != (spec.width, spec.height):
        image = image.resize((spec.width, spec.height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)
