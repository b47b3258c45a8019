"""A process that answers one question after the other: for what this process must not do itself, such as networking."""

import contextlib
import os
import time
from collections.abc import Callable

from onnxaudit.isolation.frame import receive, send
from onnxaudit.isolation.worker import TICK, Tell, Worker, release, withhold

FOREVER = 7 * 24 * 3600.0  # seconds


class ClerkError(Exception):
    """The process has ended, or gave no answer in time; the message is for people."""


class Clerk:
    """A process, made by forking, as a worker is, and ended with this one.

    No other worker of this process keeps a way to it.

    Args:
        open_office: makes, in that process, what answers questions; neither may raise.
    """

    def __init__(self, open_office: Callable[[], Callable[[bytes], bytes]]) -> None:
        """Begin."""
        self._answers = list[bytes]()
        reading, writing = os.pipe()
        withhold(writing)
        self._questions = os.fdopen(writing, "wb")

        def serve(tell: Tell) -> bytes:
            answer = open_office()
            with os.fdopen(reading, "rb") as questions:
                while (told := receive(questions)) is not None:
                    tell.aside(answer(told))
            return b""

        try:
            self._worker = Worker(serve, str, FOREVER, self._answers.append)
        finally:
            os.close(reading)

    def ask(self, question: bytes, patience: float) -> bytes:
        """The answer to a question, within some seconds.

        Raises:
            ClerkError: there is none; the process has to be closed.
        """
        until = time.monotonic() + patience
        self._answers.clear()
        try:
            send(self._questions, question)
        except OSError as error:
            raise ClerkError("its process has ended") from error
        while not self._answers:
            if time.monotonic() > until:
                raise ClerkError(f"no answer within {patience:.0f} seconds")
            if self._worker.listen(TICK) and not self._answers:
                raise ClerkError("its process has ended")
        return self._answers[0]

    def close(self) -> None:
        """End it."""
        self._worker.close()
        release(self._questions.fileno())
        with contextlib.suppress(OSError):  # it has ended with a question unread
            self._questions.close()
