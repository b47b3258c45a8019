"""Writing files so that a reader never sees half of one."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from onnxaudit.errors import OutputError


def check_writable(path: Path) -> None:
    """Find out before long work whether `path` can be written afterwards; leaves nothing behind.

    Raises:
        OutputError: it is a folder, its folder does not exist, or files cannot be made there.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: {path.parent} is not a folder; create it first")
    _try_folder(path.parent, path)


def check_folder_writable(path: Path) -> None:
    """The same for a folder that need not exist yet.

    Raises:
        OutputError: files cannot be made there, or it cannot be created.
    """
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise OutputError(f"{path} cannot be a folder: {existing} is a file")
    _try_folder(existing, path)


def write_atomically(path: Path, content: bytes, check: Callable[[Path], None] | None = None) -> None:
    """Write beside `path`, then rename: either the whole content gets the name, or nothing changes.

    A symbolic link keeps pointing where it does and its target is replaced. What is no regular file (a
    pipe, a device) cannot be replaced by renaming and is written to.

    Args:
        path: the name that the content gets.
        content: what to write.
        check: looks at the complete draft before it gets its name; when it raises, nothing changes.

    Raises:
        OutputError: no permission, no space, or `path` is a folder.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content, check)
    except OSError as error:
        raise _output_error(path, error) from error


def _try_folder(folder: Path, wanted: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _output_error(wanted, error) from error


_drafts: set[Path] = set()  # of this process, not yet renamed


def remove_drafts() -> None:
    """Remove the drafts that are being written; for a process that has to be left at once."""
    for draft in tuple(_drafts):
        with contextlib.suppress(OSError):
            draft.unlink()


def _replace(path: Path, content: bytes, check: Callable[[Path], None] | None) -> None:
    draft = path.with_name(f".onnxaudit-{secrets.token_hex(8)}")
    _drafts.add(draft)
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(draft)
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    finally:
        _drafts.discard(draft)


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}")
