"""Files of strangers, opened once, without following links, and held in memory: what is checked is what is used.

A path is looked up once. What is read afterwards are the bytes that were checked and hashed, so that nobody can put
another file in their place, and no engine opens anything by itself.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from onnxaudit.errors import ModelError

# Not blocking: a pipe that takes a file's place has to be refused, not waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0)
BLOCK = 2**24  # bytes read at once
MOST_OF_MODEL = 2**31 - 1  # bytes; protobuf neither parses nor writes more
MOST_OF_DATA = 2**34  # bytes of one data file: all of it is hashed, some ten seconds for as much
_GIVE = "give the path of an ONNX model"
MISSING, IRREGULAR = f"no such file; {_GIVE}", f"not a regular file; {_GIVE}"
Span = tuple[int, int]  # of bytes: start, and end behind the last
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


def hash_named(path: Path, most: int) -> "hashlib._Hash":
    """SHA-256 of such a file, which may go on; no more of it is held than a block.

    Raises:
        OSError: it cannot be opened or read.
        ModelError: no regular file, or larger than `most` bytes.
    """
    handle = os.open(path, _FLAGS)
    try:
        _measure(handle, str(path), most)
        hashed, left = hashlib.sha256(), most
        while left and (block := os.read(handle, min(BLOCK, left))):
            hashed.update(block)
            left -= len(block)
        return hashed
    finally:
        os.close(handle)


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """What was read of a file, in one pass: the bytes that are used are those that were hashed.

    Attributes:
        digest: SHA-256 of the whole file.
        size: of the whole file, in bytes.
        parts: its bytes from a start to an end; those beyond the end of the file are missing.
    """

    digest: bytes
    size: int
    parts: Mapping[Span, bytes]


def read_beside(folder: Path, location: str, spans: Iterable[Span], most: int) -> Read:
    """Spans of bytes of a regular file below `folder` that a model names; nothing on the way may be a link.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be opened or read.
        ModelError: it lies outside the folder or behind a link, is no regular file, or is larger than `most` bytes.
    """
    parts = _split(location)
    with _enter(folder, parts[:-1], location) as inner:
        handle = _open_beside(inner, folder, parts, _FLAGS, location)
    try:
        return _read_spans(handle, location, set(spans), most)
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


def _read_spans(handle: int, name: str, spans: set[Span], most: int) -> Read:
    size = _measure(handle, name, most)
    hashed, at = hashlib.sha256(), 0
    parts = {span: bytearray() for span in sorted(spans, reverse=True)}
    ahead, begun = [*parts], list[Span]()  # the last one ahead begins first: a block looks at no more than it holds
    with os.fdopen(os.dup(handle), "rb") as file:
        while at < size and (block := file.read(min(BLOCK, size - at))):  # no more, should it grow meanwhile
            hashed.update(block)
            while ahead and ahead[-1][0] < at + len(block):
                begun.append(ahead.pop())
            for start, end in begun:
                parts[start, end] += block[max(0, start - at) : max(0, end - at)]
            at += len(block)
            begun = [span for span in begun if span[1] > at]
    return Read(digest=hashed.digest(), size=at, parts={span: bytes(part) for span, part in parts.items()})


def _measure(handle: int, name: str, most: int) -> int:
    """Bytes of an open file.

    Raises:
        ModelError: it is no regular one, or has more than `most`.
    """
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"{name}: {IRREGULAR}")
    if found.st_size > most:
        raise ModelError(f"{name}: {found.st_size / 2**30:.1f} GiB; more than {(most + 1) // 2**30} GiB cannot be read")
    return found.st_size


def _read(handle: int, name: str, most: int) -> bytes:
    _measure(handle, name, most)
    with os.fdopen(os.dup(handle), "rb") as file:
        data = file.read(most + 1)  # no more, should it grow meanwhile
    if len(data) > most:
        raise ModelError(f"{name}: more than 2 GiB cannot be read")
    return data
