"""A worker process: made by forking, shut in, watched, and told apart by how it ended."""

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from onnxaudit.isolation.limits import die_with

HEAD = 9  # bytes before each message: its kind, and its length
HELD, PARTIAL, RESULT, ASIDE = b"h", b"p", b"r", b"a"
MOST_BYTES = 2**30  # of one message
LAST = 5.0  # seconds that a worker has to end once it has told everything
TICK = 0.5  # seconds between two looks at the clock
NO_MEMORY = 3  # exit code of a worker that was refused more memory
ASKED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
LIMIT_SIGNALS = ("SIGXCPU", "SIGXFSZ")

How = Literal["crashed", "limit", "time", "interrupted"]


class Tell:
    """What a worker has to say on the way."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    def __call__(self, partial: bytes) -> None:
        """What it would come to if it ended here; the last counts."""
        _send(self._writing, PARTIAL, partial)

    def aside(self, content: bytes) -> None:
        """What the supervisor is to hear at once."""
        _send(self._writing, ASIDE, content)


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


def run(
    work: Callable[[Tell], bytes],
    shut_in: Callable[[], str],
    seconds: float,
    on_aside: Callable[[bytes], None] | None = None,
) -> Ending:
    """Do `work` in a process of its own; arguments as for `Worker`."""
    worker = Worker(work, shut_in, seconds, on_aside)
    try:
        while not worker.listen(TICK):
            pass
        return worker.conclude()
    finally:
        worker.close()


class Worker:
    """A process that does one piece of work, seen from its supervisor.

    Args:
        work: gives the result, and may tell what it has until then; its errors are its own affair.
        shut_in: gives away, at its begin, all that the process does not need; says what holds.
        seconds: of wall clock, from its first moment.
        on_aside: is given what the worker says aside, as untrusted as all that it says.
    """

    def __init__(
        self,
        work: Callable[[Tell], bytes],
        shut_in: Callable[[], str],
        seconds: float,
        on_aside: Callable[[bytes], None] | None = None,
    ) -> None:
        """Begin."""
        self.reading, writing = os.pipe()
        self._seconds, self._deadline = seconds, time.monotonic() + seconds
        self._on_aside, self._late = on_aside, False
        self._buffer, self._told = bytearray(), dict[bytes, bytes]()
        sys.stdout.flush()
        sys.stderr.flush()
        self._child = 0
        try:
            with _hold_signals():
                parent, self._child = os.getpid(), os.fork()
                if self._child == 0:
                    for other in (self.reading, *_listened, *_withheld):  # what others say is none of its business
                        os.close(other)
                    _live(work, shut_in, writing, parent)
                _running.add(self._child)
                _listened.add(self.reading)
                os.close(writing)
        except BaseException:
            if self._child:  # raised for a signal that waited: nobody else will know of this worker
                self.close()
            else:
                os.close(self.reading)
                os.close(writing)
            raise

    def listen(self, seconds: float) -> bool:
        """Hear what is said within some seconds; whether that was the end, or the time is up."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            self._late = True
            return True
        if not select.select([self.reading], [], [], max(0.0, min(left, seconds)))[0]:
            return False
        part = os.read(self.reading, 2**20)
        self._buffer += part
        self._take_messages()
        self._late = self._late or len(self._buffer) > HEAD + MOST_BYTES
        return not part or self._late

    def conclude(self) -> Ending:
        """What became of it, once `listen` told the end."""
        try:
            code = None if self._late else _wait(self._child)
        except ChildProcessError:
            if RESULT not in self._told:
                # A signal's handler ended it and is about to leave this process: what would be told now must not
                # replace what the handler tells.
                time.sleep(LAST)
                return self.interrupt()
            code = 0
        return _describe(self._told, code, self._seconds)

    def interrupt(self) -> Ending:
        """End it now; what it had told until then is kept."""
        self.close()
        partial, held = self._told.get(PARTIAL), self._told.get(HELD, b"").decode()
        return Ending(partial=partial, how="interrupted", words="was interrupted", held=held)

    def close(self) -> None:
        """Kill it, should it still be there."""
        if self.reading in _listened:
            _listened.discard(self.reading)
            os.close(self.reading)
        end(self._child)

    def _take_messages(self) -> None:
        """Take the messages that came in whole."""
        buffer, at = self._buffer, 0
        while len(buffer) >= at + HEAD:
            kind, length = bytes(buffer[at : at + 1]), int.from_bytes(buffer[at + 1 : at + HEAD])
            if len(buffer) < at + HEAD + length:
                self._late = self._late or length > MOST_BYTES
                break
            content = bytes(buffer[at + HEAD : at + HEAD + length])
            if kind != ASIDE:
                self._told[kind] = content
            elif self._on_aside is not None:
                self._on_aside(content)
            at += HEAD + length
        del buffer[:at]


@contextlib.contextmanager
def _hold_signals() -> Iterator[None]:
    """Signals wait for the end of the block.

    One within a fork would be lost: what runs there swallows errors, and nobody knows the child yet. Blocking them is
    not enough, for another thread may get them, and Python answers in the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    asked = [number for number in ASKED if signal.getsignal(number) is not None]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def await_any(workers: Sequence[Worker], seconds: float) -> list[Worker]:
    """Hear workers for some seconds at most; those that came to their end."""
    select.select([one.reading for one in workers], [], [], seconds)
    return [one for one in workers if one.listen(0.0)]


_listened: set[int] = set()  # the ends of pipes at which this process listens
_withheld: set[int] = set()
_running: set[int] = set()


def withhold(descriptor: int) -> None:
    """Have no worker of this process keep an open file: what is written there is believed."""
    _withheld.add(descriptor)


def release(descriptor: int) -> None:
    """Take that back, before the file is closed."""
    _withheld.discard(descriptor)


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
        _send(writing, RESULT, work(Tell(writing)))
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


def _wait(child: int) -> int | None:
    """The exit code, negative for a signal; None where it does not end.

    Raises:
        ChildProcessError: somebody else asked for it.
    """
    deadline = time.monotonic() + LAST
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            _running.discard(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return None


def _describe(messages: Mapping[bytes, bytes], code: int | None, seconds: float) -> Ending:
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
