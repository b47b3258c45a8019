"""One picture file to pixels."""

import functools
import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from onnxaudit.data.picture_kinds import FORMATS
from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError
from onnxaudit.records import Floats, InputSpec, Ints
from onnxaudit.records.coded_images import Codes, hold

MOST_PIXELS = 2**26  # of one picture, 67 million; a few bytes of file can declare any size
FEWEST = 64  # pictures that are read whatever the time
MODES = {1: "L", 3: "RGB"}
SIXTEEN_BITS = ("PPM", "PNG")  # formats of which Pillow opens 16 bits as 32, scaled to all of 0..65535
DEPTHLESS = {"I": "32-bit whole numbers", "F": "floating-point numbers"}  # modes whose white nobody declares
SIDEWAYS = range(5, 9)  # EXIF orientations that swap height and width

# What Pillow's decoders raise on damaged files, besides OSError.
_DAMAGED = (SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


@dataclass(frozen=True, kw_only=True)
class StoredPicture:
    """A picture within another file.

    Attributes:
        name: where it lies, for people.
        load: its bytes, as a file of its own would hold them.
    """

    name: str
    load: Callable[[], bytes]

    def __str__(self) -> str:
        return self.name


Picture = Path | StoredPicture


def read_pictures(paths: Sequence[Picture], spec: InputSpec, deadline: Deadline = Deadline()) -> tuple[Floats, Ints]:
    """Pictures as the model's pixels `(n, c, h, w)` in [0, 1], large sets held as bytes, and which of them were read.

    Each is turned as its EXIF orientation says, loses its alpha channel, becomes gray or RGB, and is resized (bilinear,
    antialiased; the aspect ratio gives way). Of several frames the first counts. When the deadline passes, what was
    read so far has to do, spread over all; a few are read in any case.

    Raises:
        DataError: one is damaged, no picture, or too large.
    """
    codes = np.empty((len(paths), spec.channels, spec.height, spec.width), np.uint8)
    # From coarse to fine, so that whatever there is time for lies evenly over classes in their order.
    order = sorted(range(len(paths)), key=lambda place: int(f"{place:032b}"[::-1], 2))
    read = list[int]()
    for place in order:
        if deadline.passed and len(read) >= FEWEST:
            break
        codes[place] = _read_bytes(paths[place], spec)
        read.append(place)
    rows = np.sort(np.array(read, np.int64))
    return hold(codes if len(rows) == len(paths) else codes[rows]), rows


def _read_bytes(path: Picture, spec: InputSpec) -> Codes:
    with _open(path) as image:
        return np.atleast_3d(_fit(image, spec)).transpose(2, 0, 1)


def read_size(path: Picture) -> tuple[int, int]:
    """Height and width of a picture, turned as its EXIF orientation says.

    Raises:
        DataError: damaged or no picture.
    """
    with _open(path) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in SIDEWAYS
        return (image.width, image.height) if turned else (image.height, image.width)


@contextmanager
def _open(path: Picture) -> Iterator[Image.Image]:
    """A picture that can be decoded; whatever Pillow raises on the way becomes a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about broken metadata, and sizes that are checked here
            file = path if isinstance(path, Path) else io.BytesIO(path.load())
            with Image.open(file, formats=_list_formats()) as image:
                _check_size(path, image)
                _check_depth(path, image)
                yield image
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too many pixels; pictures of up to {MOST_PIXELS:,} are read") from error
    except OSError as error:
        raise DataError(f"{path}: not a picture, or damaged: {error.strerror or 'it cannot be decoded'}") from error
    except _DAMAGED as error:
        raise DataError(f"{path}: the picture is damaged") from error


@functools.cache
def _list_formats() -> tuple[str, ...]:
    """Those that this Pillow decodes."""
    Image.init()
    return tuple(one for one in FORMATS if one in Image.OPEN)


def _check_size(path: Picture, image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise DataError(
            f"{path}: {image.width}×{image.height} are too many pixels; pictures of up to {MOST_PIXELS:,} are read"
        )


def _check_depth(path: Picture, image: Image.Image) -> None:
    if image.mode in DEPTHLESS and image.format not in SIXTEEN_BITS:
        raise DataError(
            f"{path}: a picture of {DEPTHLESS[image.mode]}, which do not say what is white; convert it to 8 or 16 bits"
        )


def _fit(image: Image.Image, spec: InputSpec) -> Codes:
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in SIXTEEN_BITS)
    image = ImageOps.exif_transpose(image)
    if deep:
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    image = image.convert(MODES[spec.channels])
    if image.size != (spec.width, spec.height):
        image = image.resize((spec.width, spec.height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8)
