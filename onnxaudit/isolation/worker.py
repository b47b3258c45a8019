"""A worker process: made by forking, shut in, watched, and told apart by how it ended."""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

from onnxaudit.isolation.limits import die_with

HEAD = 9  # bytes before each message: its kind, and its length
HELD, PARTIAL, RESULT = b"h", b"p", b"r"
MOST_BYTES = 2**30  # of one message
LAST = 5.0  # seconds that a worker has to end once it has told everything
TICK = 0.5  # seconds between two looks at the clock
NO_MEMORY = 3  # exit code of a worker that was refused more memory
ASKED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
LIMIT_SIGNALS = ("SIGXCPU", "SIGXFSZ")

How = Literal["crashed", "limit", "time"]
Tell = Callable[[bytes], None]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What became of a worker.

    Attributes:
        result: what it came to; None where it came to nothing.
        partial: the last it told on the way.
        how: why there is no result; None where there is one.
        words: the same for people.
        held: what held the worker, in words.
    """

    result: bytes | None = None
    partial: bytes | None = None
    how: How | None = None
    words: str = ""
    held: str = ""


def can_fork() -> bool:
    """Whether this system makes processes in this way."""
    return os.name == "posix" and hasattr(os, "fork")


def run(work: Callable[[Tell], bytes], shut_in: Callable[[], str], seconds: float) -> Ending:
    """Do `work` in a process of its own.

    Args:
        work: gives the result, and may tell what it has until then; its errors are its own affair.
        shut_in: gives away, at its begin, all that the process does not need; says what holds.
        seconds: of wall clock, from its first moment.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal within the fork would be lost: what runs there swallows errors, and nobody knows the child yet.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)
    parent, child = os.getpid(), os.fork()
    if child == 0:
        os.close(reading)
        _live(work, shut_in, writing, parent)
    _running.add(child)
    os.close(writing)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        received, late = _listen(reading, time.monotonic() + seconds)
        code = None if late else _wait(child)
    finally:
        os.close(reading)
        end(child)
    return _describe(received, code, seconds)


_running: set[int] = set()


def end_all() -> None:
    """Kill every worker of this process."""
    for child in tuple(_running):
        end(child)


def end(child: int) -> None:
    """Kill a worker and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if child in _running:
        with contextlib.suppress(OSError):  # it may not have had the time for a group of its own
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(child, 0)
        _running.discard(child)


def _live(work: Callable[[Tell], bytes], shut_in: Callable[[], str], writing: int, parent: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        die_with(parent)
        for number in ASKED:  # they are the supervisor's affair
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        _send(writing, HELD, shut_in().encode())
        _send(writing, RESULT, work(lambda partial: _send(writing, PARTIAL, partial)))
        code = 0
    except MemoryError:
        code = NO_MEMORY
    except BaseException:
        code = 1  # what went wrong, `work` has told
    finally:
        with contextlib.suppress(BaseException):
            sys.stderr.flush()
            ctypes.CDLL(None).fflush(None)
        os._exit(code)  # not by way of the libraries' own ends, which crash at times


def _send(writing: int, kind: bytes, content: bytes) -> None:
    rest = memoryview(kind + len(content).to_bytes(HEAD - 1) + content)
    while rest:
        rest = rest[os.write(writing, rest) :]


def _listen(reading: int, deadline: float) -> tuple[bytearray, bool]:
    """All that is told until the other side ends; and whether its time was up before."""
    received = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([reading], [], [], min(left, TICK))[0]:
            continue
        part = os.read(reading, 2**20)
        if not part:
            return received, False
        received += part
        if len(received) > 2 * MOST_BYTES:
            break
    return received, True


def _wait(child: int) -> int | None:
    """The exit code, negative for a signal; None where it does not end."""
    deadline = time.monotonic() + LAST
    while time.monotonic() < deadline:
        try:
            found, status = os.waitpid(child, os.WNOHANG)
        except ChildProcessError:  # a signal's handler ended it meanwhile
            return None
        if found:
            _running.discard(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return None


def _describe(received: bytearray, code: int | None, seconds: float) -> Ending:
    messages: dict[bytes, bytes] = {}
    at = 0
    while at + HEAD <= len(received):
        kind, length = bytes(received[at : at + 1]), int.from_bytes(received[at + 1 : at + HEAD])
        if at + HEAD + length > len(received):
            break
        messages[kind] = bytes(received[at + HEAD : at + HEAD + length])
        at += HEAD + length
    partial, held = messages.get(PARTIAL), messages.get(HELD, b"").decode()
    if code == 0 and RESULT in messages:
        return Ending(result=messages[RESULT], partial=partial, held=held)
    how, words = _explain(code, seconds)
    return Ending(partial=partial, how=how, words=words, held=held)


def _explain(code: int | None, seconds: float) -> tuple[How, str]:
    if code is None:
        return "time", f"came to no end within {seconds:.0f} seconds and was stopped"
    if code == NO_MEMORY:
        return "limit", "needed more memory than its limit"
    if code >= 0:
        return "crashed", f"ended without a result (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name in LIMIT_SIGNALS:
        what = "processor time" if name == "SIGXCPU" else "the size of files"
        return "limit", f"came to its limit of {what} and was stopped"
    if name == "SIGKILL":
        return "crashed", "was killed (SIGKILL), as systems do where memory runs out"
    return "crashed", f"crashed ({name})"
