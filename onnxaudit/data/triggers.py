"""Triggers as files: `.npz` archives with the arrays `mask` and `pattern`."""

import io
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from onnxaudit.data.stored_arrays import open_archive
from onnxaudit.errors import DataError
from onnxaudit.files import write_atomically
from onnxaudit.records import Floats, InputSpec, Trigger

MOST_BYTES = 2**26  # of an array, unpacked


def save_trigger(trigger: Trigger, path: Path) -> None:
    """Write `trigger` to `path` for `load_trigger`.

    Raises:
        OutputError: it cannot be written.
    """
    file = io.BytesIO()
    np.savez_compressed(file, mask=trigger.mask, pattern=trigger.pattern)
    write_atomically(path, file.getvalue())


def load_trigger(path: Path) -> Trigger:
    """Read a trigger: `mask` `(1, h, w)` or `(h, w)` and `pattern` `(c, h, w)` or `(h, w)`, both in [0, 1].

    Raises:
        DataError: no such file, no such archive, or the arrays are no trigger.
    """
    arrays = _read_arrays(path)
    mask, pattern = (_check_array(path, name, arrays) for name in ("mask", "pattern"))
    if mask.shape[0] != 1 or mask.shape[1:] != pattern.shape[1:]:
        raise DataError(
            f"{path}: a mask of shape {mask.shape} and a pattern of shape {pattern.shape} make no trigger; "
            "(1, h, w) and (c, h, w) are needed"
        )
    return Trigger(mask, pattern)


def _read_arrays(path: Path) -> dict[str, Any]:
    try:
        with open_archive(path) as archive:
            found = {name: archive[name] for name in ("mask", "pattern") if name in archive}
            for name, one in found.items():
                if one is None:
                    raise DataError(f"{path} is not an .npz archive of plain arrays, or it is damaged: `{name}`")
                if prod(one.shape) * one.dtype.itemsize > MOST_BYTES:
                    raise DataError(f"{path}: `{name}` has shape {one.shape}, more than any image; refused")
            return {name: one.read() for name, one in found.items() if one is not None}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile and zlib have their own for a damaged file
        raise DataError(f"{path} is not an .npz archive of plain arrays, or it is damaged") from error


def _check_array(path: Path, name: str, arrays: dict[str, Any]) -> Floats:
    """The array as float32 with three axes."""
    if name not in arrays:
        raise DataError(f"{path} has no array `{name}`; a trigger needs `mask` (1, h, w) and `pattern` (c, h, w)")
    array = np.asarray(arrays[name])
    if array.dtype.kind not in "fiub" or array.ndim not in (2, 3) or array.size == 0:
        raise DataError(
            f"{path}: `{name}` has shape {array.shape} and type {array.dtype}; numbers (c, h, w) are needed"
        )
    values = array.astype(np.float32)
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        raise DataError(
            f"{path}: `{name}` runs from {values.min():g} to {values.max():g}; values from 0 to 1 are needed"
        )
    return values[None] if values.ndim == 2 else values


def check_trigger(trigger: Trigger, spec: InputSpec) -> None:
    """Make sure that a trigger fits the model's images.

    Raises:
        DataError: it has another size or other channels.
    """
    wanted = (spec.channels, spec.height, spec.width)
    if trigger.pattern.shape != wanted:
        raise DataError(f"the trigger's pattern has shape {trigger.pattern.shape}; the model's images have {wanted}")
