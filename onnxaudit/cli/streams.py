"""Standard streams that are always there and never change the exit code.

A parent may close stdout or stderr (`>&-`, service managers), or lead them where nothing can be written (`/dev/full`).
The interpreter's own last flush would then end with code 120, an unguarded write with a traceback and code 1.
"""

import contextlib
import io
import os
import sys
from typing import Any, TextIO

STREAMS = {0: ("stdin", "r"), 1: ("stdout", "w"), 2: ("stderr", "w")}


def mend_streams() -> None:
    """Lead streams that are closed to the null device, before a file takes their number."""
    for number, (name, mode) in STREAMS.items():
        try:
            os.fstat(number)
        except OSError:
            _open_null(number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(number), mode, encoding="utf-8", errors="backslashreplace"))


def _open_null(number: int) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(os.devnull, os.O_RDWR)
        if handle != number:
            os.dup2(handle, number)
            os.close(handle)


def settle_streams() -> bool:
    """Write what is left in stdout and stderr; whether all of stdout got through.

    What cannot be written is let go, so that the interpreter's own flush has nothing to fail on.
    """
    through = _flush("stdout")
    _flush("stderr")
    return through


def _flush(name: str) -> bool:
    stream = getattr(sys, name)
    try:
        stream.flush()
    except (OSError, ValueError):
        abandon(name)
        return False
    return True


class LastingStream(io.TextIOBase):
    """A stream that goes on where nobody reads it any more: the files that were asked for come first.

    What could not be written is told by `settle`, once all else is done.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failed: OSError | ValueError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream behind it."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def fileno(self) -> int:
        """Of the stream behind it."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Of the stream behind it."""
        return self._failed is None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write, unless that has failed before."""
        if self._failed is None:
            try:
                return self._stream.write(text)
            except (OSError, ValueError) as error:
                self._failed = error
        return len(text)

    def flush(self) -> None:
        """Flush, unless the stream has failed."""
        if self._failed is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._failed = error

    def settle(self) -> None:
        """End what was written.

        Raises:
            OSError: some of it, or all, did not get through.
        """
        self.flush()
        if self._failed is not None:
            raise self._failed


def abandon(name: str) -> None:
    """Let the stream's descriptor lead to the null device, and drop what it still holds."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, getattr(sys, name).fileno())
        os.close(handle)
    with contextlib.suppress(OSError, ValueError):
        getattr(sys, name).flush()
