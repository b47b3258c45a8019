"""A line on a terminal while a command without progress works, gone when it is done."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def show_waiting(words: str, *, silent: bool = False) -> Iterator[None]:
    """Say on stderr what is being done, for as long as the block lasts; nothing where that is no terminal."""
    if silent or not sys.stderr.isatty():
        yield
        return
    line = f"{words} …"
    _write(line)
    try:
        yield
    finally:
        _write(f"\r{len(line) * ' '}\r")  # terminals without escape sequences know this too


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
