"""Signals end a run cleanly: drafts removed, reports replaced by word of the interruption, exit code 130 or 2.

The first signal raises; whoever is at work cleans up on the way out. Should that take too long, or a second signal
come, the run is left at once, after the same cleaning.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

PATIENCE = 5.0  # seconds for those at work; service managers kill after ten
CODES = {"SIGINT": 130, "SIGTERM": 2, "SIGHUP": 2}


class TerminatedError(BaseException):
    """The run is asked to end; no `except Exception` may take it for an error of its own."""


class InterruptError(KeyboardInterrupt):
    """Ctrl-C, told apart from Python's own.

    A plain KeyboardInterrupt that crosses an `exec` of source (imports do that, wherever a dataclass is made) has
    `python -m` kill itself by SIGINT at its exit, whoever caught it: the exit code of the run would be lost.
    """


@contextlib.contextmanager
def handle_signals(leave: Callable[[str], None], *, last: bool) -> Iterator[Callable[[], None]]:
    """In the block, signals are answered; `leave` cleans up where the run has to be left at once.

    The block calls what it is given at its end: a signal that a library's callback swallowed is raised again there.

    Nothing changes outside the main thread, or for signals that the parent had ignored (`nohup`). Behind the block of a
    process that does nothing more (`last`) signals are ignored: its code is decided.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked: list[str] = []
    timers: list[threading.Timer] = []

    def leave_at_once(name: str) -> None:
        with contextlib.suppress(BaseException):
            leave(_describe(name))
        os._exit(CODES[name])

    def answer(number: int, frame: FrameType | None) -> None:
        del frame
        name = signal.Signals(number).name
        if asked:
            leave_at_once(asked[0])
        asked.append(name)
        timer = threading.Timer(PATIENCE, leave_at_once, (name,))
        timer.daemon = True
        timer.start()
        timers.append(timer)
        raise _error(name)

    before = {}
    for name in CODES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, answer)

    def raise_again() -> None:
        if asked:
            raise _error(asked[0])

    try:
        yield raise_again
    finally:
        for timer in timers:  # it would end whatever this process does later
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if last else handler)


def _error(name: str) -> BaseException:
    return InterruptError() if name == "SIGINT" else TerminatedError(_describe(name))


def _describe(name: str) -> str:
    return "interrupted" if name == "SIGINT" else f"interrupted by {name}"
