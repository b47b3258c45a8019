"""Triggers as files: `.npz` archives with the arrays `mask` and `pattern`."""

import io
import zipfile
from pathlib import Path

import numpy as np

from onnxaudit.errors import DataError
from onnxaudit.files import write_atomically
from onnxaudit.records import Floats, Trigger

LARGEST_FILE = 64 * 2**20  # bytes; a trigger is as large as one image


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
    try:
        with np.load(path, allow_pickle=False) as archive:
            mask, pattern = (_read_array(path, archive, name) for name in ("mask", "pattern"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not an .npz archive with the arrays `mask` and `pattern`") from error
    if mask.shape[0] != 1 or mask.shape[1:] != pattern.shape[1:]:
        raise DataError(
            f"{path}: a mask of shape {mask.shape} and a pattern of shape {pattern.shape} make no trigger; "
            "(1, h, w) and (c, h, w) are needed"
        )
    return Trigger(mask, pattern)


def _read_array(path: Path, archive: "np.lib.npyio.NpzFile", name: str) -> Floats:
    if name not in archive.files:
        raise DataError(f"{path} has no array `{name}`; it has: {', '.join(archive.files[:8]) or 'none'}")
