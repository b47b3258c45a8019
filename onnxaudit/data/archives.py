"""Clean samples from `.npz` archives and `.npy` files.

Arrays are taken as they are: one size, which has to be the model's. An array of another size is more often the wrong
file or a wrong order of axes than something to be resized, so it is an error; pictures in folders are resized.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from onnxaudit.data.pixels import fit_channels, scale_values
from onnxaudit.data.selection import MOST_SAMPLES, choose_samples
from onnxaudit.data.stored_arrays import StoredArray, open_archive, open_arrays
from onnxaudit.errors import DataError
from onnxaudit.records import Floats, InputSpec, Ints, Layout
from onnxaudit.records.coded_images import make_contiguous

IMAGES, LABELS, CLASS_NAMES = "x", "y", "class_names"
_DAMAGED = "not an .npz archive or .npy file of plain arrays, or it is damaged"
CHANNEL_COUNTS = (1, 3, 4)

AnyArray = npt.NDArray[Any]


class Read(NamedTuple):
    """Images `(n, c, h, w)` in [0, 1], labels, class names, and how many there are, of which these were chosen."""

    images: Floats
    labels: Ints | None
    names: tuple[str, ...] | None
    total: int


def read_archive(path: Path, names: tuple[str, ...], spec: InputSpec, held: int = MOST_SAMPLES) -> Read:
    """Images `(n, c, h, w)` in [0, 1], labels and class names of an archive; of many images some, evenly over classes.

    Args:
        path: the `.npz` or `.npy` file.
        names: of the arrays with images and with labels; empty for `x` and, where there is one, `y`. Beside an `.npy`
            file, the name of the file with labels.
        spec: what the model takes.
        held: so many may be held, for want of memory.

    Returns:
        Images, labels, class names, and how many images there are.

    Raises:
        DataError: damaged, no such arrays, or arrays that are no images for this model.
    """
    with _open_arrays(path, names) as stored:
        images, labels = stored[IMAGES], stored[LABELS].read() if LABELS in stored else None
        if len(images.shape) < 2 or not images.shape[0]:
            raise DataError(f"{path}: {_no_stack(images.shape)}")
        total = images.shape[0]
        classes = None if labels is None else read_labels(path, labels, total)
        rows = choose_samples(total, spec.channels * spec.height * spec.width, classes, held)
        pixels = images.read(None if len(rows) == total else rows)
        class_names = stored[CLASS_NAMES].read() if CLASS_NAMES in stored else None
    arranged = arrange_channels(path, pixels, spec.layout, (spec.height, spec.width))
    if arranged.shape[2:] != (spec.height, spec.width):
        raise DataError(
            f"{path}: wrong image size: {arranged.shape[2]}×{arranged.shape[3]} where the model takes "
            f"{spec.height}×{spec.width}; resize the arrays, or give a folder of pictures, which are resized"
        )
    found = make_contiguous(fit_channels(path, scale_values(path, arranged), spec.channels))
    return Read(found, None if classes is None else classes[rows], _class_names(class_names), total)


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, AnyArray]:
    """The arrays by their role (`x`, `y`, `class_names`), whatever their names.

    Raises:
        DataError: damaged, too large, or no such arrays.
    """
    with _open_arrays(path, names) as stored:
        return {role: array.read() for role, array in stored.items()}


def read_shape(path: Path, names: tuple[str, ...]) -> tuple[int, ...]:
    """The shape of the images, of which none is read.

    Raises:
        DataError: damaged, or no such arrays.
    """
    with _open_arrays(path, names) as stored:
        return stored[IMAGES].shape


@contextmanager
def _open_arrays(path: Path, names: tuple[str, ...]) -> Iterator[dict[str, StoredArray]]:
    """The arrays by their role; whatever goes wrong in the block becomes a DataError."""
    single = path.suffix.lower() == ".npy"
    try:
        with open_arrays(_find_files(path, names)) if single else open_archive(path) as found:
            wanted = {role: role for role in found} if single else _wanted(path, list(found), names)
            stored = {role: found[name] for role, name in wanted.items()}
            plain = {role: array for role, array in stored.items() if array is not None}
            if len(plain) < len(stored):
                raise DataError(f"{path}: {_DAMAGED}")
            yield plain
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, zlib and numpy each have their own for a damaged file
        raise DataError(f"{path}: {_DAMAGED}") from error


def _find_files(path: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """The file of images and, where one is named, that of labels, which lies beside it."""
    return {IMAGES: path} | ({LABELS: path.parent / names[0]} if names else {})


def _wanted(path: Path, found: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """Which array plays which role."""
    for name in names or (IMAGES,):
        if name not in found:
            listing = ", ".join(found[:12]) or "none"
            raise DataError(f"{path}: no array {name!r} among {listing}; name them as in {path.name}:IMAGES,LABELS")
    wanted = dict(zip((IMAGES, LABELS), names, strict=False)) or {IMAGES: IMAGES, LABELS: LABELS}
    wanted[CLASS_NAMES] = CLASS_NAMES
    return {role: name for role, name in wanted.items() if name in found}


def arrange_channels(path: Path, images: AnyArray, layout: Layout, size: tuple[int, int] | None) -> AnyArray:
    """`(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)` as the last of these.

    Raises:
        DataError: no stack of images.
    """
    if images.ndim not in (3, 4) or images.size == 0:
        raise DataError(f"{path}: {_no_stack(images.shape)}")
    if images.ndim == 3:
        return images[:, None]
    first, last = images.shape[1] in CHANNEL_COUNTS, images.shape[3] in CHANNEL_COUNTS
    if first and last:  # an image three pixels wide, or high: its size decides, then the model's own layout
        first, last = images.shape[2:] == size, images.shape[1:3] == size
        if first == last:
            first = layout is Layout.NCHW
    elif not first and not last:
        raise DataError(f"{path}: an array of shape {images.shape} has no axis of 1, 3 or 4 channels")
    return images if first else np.moveaxis(images, 3, 1)


def _no_stack(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape} is no stack of images; give (n, h, w, c), (n, c, h, w) or (n, h, w)"


def read_labels(path: Path, labels: AnyArray, count: int) -> Ints:
    """Class indexes `(n,)`.

    Raises:
        DataError: not one whole number a sample.
    """
    if labels.shape not in ((count,), (count, 1)):
        raise DataError(f"{path}: labels of shape {labels.shape} for {count} images; give one an image")
    if labels.dtype.kind not in "uif" or (labels.dtype.kind == "f" and not np.all(labels == np.round(labels))):
        raise DataError(f"{path}: labels of type {labels.dtype} are no class indexes; give whole numbers from 0")
    if labels.size and float(labels.max()) >= 2**31:
        raise DataError(f"{path}: label {labels.max()} is out of range; give class indexes from 0")
    return labels.reshape(-1).astype(np.int64)


def _class_names(names: AnyArray | None) -> tuple[str, ...] | None:
    return tuple(map(str, names)) if names is not None and names.ndim == 1 and names.dtype.kind == "U" else None
