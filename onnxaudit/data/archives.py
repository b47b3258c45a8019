"""Clean samples from `.npz` archives.

Arrays are taken as they are: one size, which has to be the model's. An array of another size is more often the wrong
file or a wrong order of axes than something to be resized, so it is an error; pictures in folders are resized.
"""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.data.pixels import fit_channels, scale_values
from onnxaudit.errors import DataError
from onnxaudit.records import Floats, InputSpec, Ints, Layout

IMAGES, LABELS, CLASS_NAMES = "x", "y", "class_names"
CHANNEL_COUNTS = (1, 3, 4)
MOST_BYTES = 2**30  # of one unpacked array; a few bytes of archive can declare any size

AnyArray = npt.NDArray[Any]
Read = tuple[Floats, Ints | None, tuple[str, ...] | None]


def read_archive(path: Path, names: tuple[str, ...], spec: InputSpec) -> Read:
    """Images `(n, c, h, w)` in [0, 1], labels and class names of an archive.

    Args:
        path: the `.npz` file.
        names: of the arrays with images and with labels; empty for `x` and, where there is one, `y`.
        spec: what the model takes.

    Raises:
        DataError: damaged, no such arrays, or arrays that are no images for this model.
    """
    arrays = read_arrays(path, names)
    images = arrange_channels(path, arrays[IMAGES], spec.layout, (spec.height, spec.width))
    if images.shape[2:] != (spec.height, spec.width):
        raise DataError(
            f"{path}: wrong image size: {images.shape[2]}×{images.shape[3]} where the model takes "
            f"{spec.height}×{spec.width}; resize the arrays, or give a folder of pictures, which are resized"
        )
    images = fit_channels(path, scale_values(path, images), spec.channels)
    labels = read_labels(path, arrays[LABELS], len(images)) if LABELS in arrays else None
    return np.ascontiguousarray(images), labels, _class_names(arrays.get(CLASS_NAMES))


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, AnyArray]:
    """The arrays by their role (`x`, `y`, `class_names`), whatever their names.

    Raises:
        DataError: damaged, too large, or no such arrays.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            wanted = _wanted(path, archive.files, names)
            _check_sizes(path, archive.zip, wanted.values())
            return {role: archive[name] for role, name in wanted.items()}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, zlib, tokenize and numpy each have their own for a damaged file
        raise DataError(f"{path}: not an .npz archive of plain arrays, or it is damaged") from error


def _wanted(path: Path, found: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """Which array plays which role."""
    for name in names or (IMAGES,):
        if name not in found:
            listing = ", ".join(found[:12]) or "none"
            raise DataError(f"{path}: no array {name!r} among {listing}; name them as in {path.name}:IMAGES,LABELS")
    wanted = dict(zip((IMAGES, LABELS), names, strict=False)) or {IMAGES: IMAGES, LABELS: LABELS}
    wanted[CLASS_NAMES] = CLASS_NAMES
    return {role: name for role, name in wanted.items() if name in found}


def _check_sizes(path: Path, archive: zipfile.ZipFile, names: Iterable[str]) -> None:
    sizes = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.infolist()}
    for name in names:
        if sizes[name] > MOST_BYTES:
            raise DataError(f"{path}: array {name!r} unpacks to {sizes[name] / 2**30:.1f} GiB; give fewer images")


def arrange_channels(path: Path, images: AnyArray, layout: Layout, size: tuple[int, int] | None) -> AnyArray:
    """`(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)` as the last of these.

    Raises:
        DataError: no stack of images.
    """
    if images.ndim not in (3, 4) or images.size == 0:
        raise DataError(
            f"{path}: an array of shape {images.shape} is no stack of images; "
            "give (n, h, w, c), (n, c, h, w) or (n, h, w)"
        )
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
