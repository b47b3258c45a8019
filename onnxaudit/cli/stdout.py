"""Stdout for one document and nothing else.

Native libraries print to file descriptor 1 (onnxruntime does), packages to `sys.stdout`. What they say goes to stderr.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

STDOUT = "-"  # as the name of a file
STDOUT_FD, STDERR_FD = 1, 2


def reserve_stdout() -> None:
    """Move stdout to a descriptor that no library knows, and lead descriptor 1 to stderr, for good.

    Not undone at the end: what C libraries buffer they write when the process exits.
    """
    with contextlib.suppress(OSError, ValueError):  # no descriptor behind it: a test, an embedding
        if sys.stdout.fileno() != STDOUT_FD:
            return
        sys.stdout.flush()
        kept = os.dup(STDOUT_FD)
        _lead_to_stderr()
        buffering = 1 if os.isatty(kept) else -1  # by line, or as files are
        sys.stdout = os.fdopen(kept, "w", buffering, sys.stdout.encoding, errors="backslashreplace")


def _lead_to_stderr() -> None:
    try:
        os.dup2(STDERR_FD, STDOUT_FD)
    except OSError:  # stderr is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT_FD)


@contextlib.contextmanager
def keep_stdout() -> Iterator[None]:
    """What Python code prints in the block goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def escape_unwritable() -> None:
    """Let a narrow encoding be no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def read_stdout_format(arguments: Sequence[str]) -> str:
    """The format that stdout is to hold, off the raw arguments: an error may come before they are parsed."""
    words = [
        word for argument in arguments for word in (argument.split("=", 1) if argument[:2] == "--" else [argument])
    ]
    for option, value in pairwise(words):
        if option == "--format":
            return value
        if value == STDOUT and option.startswith("--"):
            return option.removeprefix("--")
    return "text"
