"""Files of strangers, opened once, without following links, and held in memory: what is checked is what is used.

A path is looked up once. What is read afterwards are the bytes that were checked and hashed, so that nobody can put
another file in their place, and no engine opens anything by itself.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from onnxaudit.errors import ModelError

# Not blocking: a pipe that takes a file's place has to be refused, not waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0)
_WALKS = os.open in os.supports_dir_fd


def read_named(path: Path, most: int) -> bytes:
    """The bytes of a regular file that the user names; the name itself may be a link.

    Raises:
        OSError: it cannot be opened or read.
        ModelError: no regular file, or larger than `most` bytes.
    """
    handle = os.open(path, _FLAGS)
    try:
        return _read(handle, str(path), most)
    finally:
        os.close(handle)


def read_beside(folder: Path, location: str, most: int) -> bytes:
    """The bytes of a regular file below `folder` that a model names; nothing on the way may be a link.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be opened or read.
        ModelError: it lies outside the folder or behind a link, is no regular file, or is larger than `most` bytes.
    """
    parts = _split(location)
    with _enter(folder, parts[:-1], location) as inner:
        handle = _open_beside(inner, folder, parts, _FLAGS, location)
    try:
        return _read(handle, location, most)
    finally:
        os.close(handle)


def _split(location: str) -> tuple[str, ...]:
    parts = PurePosixPath(location).parts
    outside = not parts or parts[0] == "/" or ".." in parts or Path(location).is_absolute() or Path(location).drive
    if outside or "\0" in location:
        raise ModelError(
            f"external data {location!r} lie outside the model's folder; refused: put both in one folder, links "
            "followed (`cp -rL`)"
        )
    return parts


@contextlib.contextmanager
def _enter(folder: Path, parts: tuple[str, ...], location: str) -> Iterator[int | None]:
    """A descriptor of the folder that holds the file; None where this system cannot open files below one."""
    if not _WALKS:
        yield None
        return
    inner = os.open(folder, os.O_RDONLY | _FOLDER)
    try:
        for part in parts:
            outer, inner = inner, _open_beside(inner, folder, (part,), os.O_RDONLY | _FOLDER, location)
            os.close(outer)
        yield inner
    finally:
        os.close(inner)


def _open_beside(inner: int | None, folder: Path, parts: tuple[str, ...], flags: int, location: str) -> int:
    if inner is None:
        path = folder.joinpath(*parts)
        linked = any(step.is_symlink() for step in (path, *path.parents) if step.is_relative_to(folder))
    else:
        path = Path(parts[-1])
        linked = _is_link(inner, parts[-1])
    if linked:
        raise ModelError(
            f"external data {location!r} are a link, which may lead outside the model's folder; refused: put both in "
            "one folder, links followed (`cp -rL`)"
        )
    return os.open(path, flags | _NO_LINK, dir_fd=inner)


def _is_link(inner: int, name: str) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=inner, follow_symlinks=False).st_mode)
    return False


def _read(handle: int, name: str, most: int) -> bytes:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"{name}: not a regular file; give the path of an ONNX model")
    if found.st_size > most:
        raise ModelError(f"{name}: {found.st_size / 2**30:.1f} GiB; with external data more than 2 GiB cannot be read")
    with os.fdopen(os.dup(handle), "rb") as file:
        data = file.read(most + 1)  # no more, should it grow meanwhile
    if len(data) > most:
        raise ModelError(f"{name}: more than 2 GiB cannot be read")
    return data
