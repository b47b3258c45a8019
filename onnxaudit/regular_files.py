"""Reading what a path leads to, where that is a file: for pipes and devices in its place one would wait for ever."""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

MOST_READ = 256 * 2**20  # bytes of what should be small: a table, a trigger, a statement


def follow_links(path: Path) -> Path:
    """Where a path leads, absolute; of links that lead in a circle the last that can be followed, which is no error."""
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """A regular file, open for reading.

    Raises:
        OSError: it cannot be opened, or is something else.
    """
    # Not blocking: a pipe that takes a file's place has to be refused, not waited for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file


def read_regular(path: Path, most: int = MOST_READ) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: it cannot be read, is something else, or is larger than `most` bytes.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 2**20} MiB", str(path))
    return data
