"""A model file that appears whole or not at all."""

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from onnxaudit.errors import OutputError
from onnxaudit.intake.model import Model


def save_model(model: Model, path: str | Path, check: Callable[[Path], None] | None = None) -> None:
    """Write `model` under a temporary name in the same folder, then rename it to `path`.

    An existing file keeps its permissions.

    Args:
        model: what to write.
        path: where.
        check: looks at the complete temporary file before it gets its name; when it raises, nothing is left behind.

    Raises:
        OutputError: `path` is the file that `model` was read from, or cannot be written.
    """
    path = Path(path)
    check_destination(path, Path(model.info.path))
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _write(staged, model.to_bytes())
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o7777)
        if check is not None:
            check(staged)
        staged.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {_reason(error)}; nothing was written") from error
    finally:
        staged.unlink(missing_ok=True)


def check_destination(path: str | Path, source: str | Path) -> None:
    """Make sure that a file can be written to `path`, before hours of work are spent on it.

    Raises:
        OutputError: no such folder, no permission, a folder of that name, or the same file as `source`.
    """
    path, source = Path(path), Path(source)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of the file to write")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: no folder {str(path.parent)!r}; make it first or write elsewhere")
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path}: is the model that was read; the original is never overwritten, write elsewhere")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: no permission to write in {str(path.parent)!r}; write elsewhere")


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself last, where the system can open folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the device"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "no permission"
    return error.strerror or str(error)
