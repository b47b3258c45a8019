"""The process beside an engine's own in which one scan after the other is made: begun once, as on one machine.

A process for each scan would import the command line each time, a fifth of what a small scan takes.
"""

import fcntl
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO

from onnxaudit.errors import WorkerError
from onnxaudit.isolation.frame import receive, send

STATION = ("-P", "-m", "onnxaudit.cli.cluster.station")
EVERY = 0.1  # seconds between two looks whether an answer is still wanted
PATIENCE = 10.0  # seconds for a process that gives no more answers to end
LAST = 500  # characters of what a process said before it ended without an answer


class Outpost:
    """A station that was begun, seen from the engine's process; it ends with that process at the latest.

    Args:
        environment: all variables that it gets.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Begin it."""
        self.environment = environment
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process may say something
        fcntl.fcntl(self._said, fcntl.F_SETFL, os.O_APPEND)  # so that it can be emptied between two scans
        self._process = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, *STATION, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            cwd=os.sep,  # what is imported from the working folder would be kept from the worker
        )

    def is_fit(self, environment: Mapping[str, str]) -> bool:
        """Whether it is there still, and has that environment."""
        return self.environment == environment and self._process.poll() is None

    def ask(self, order: bytes) -> bytes:
        """The answer of a job.

        Args:
            order: as `station` reads it.

        Raises:
            WorkerError: there is none; the process has ended.
            KeyboardInterrupt: nobody wants it any more; the process has ended too.
        """
        try:
            answer = self._exchange(order)
        except BaseException:  # its answer would be taken for that to the next order
            self.close()
            raise
        code = self._await_end() if answer is None else None
        said = self._listen()
        sys.stderr.write(said)
        if answer is None:
            last = said.strip().rpartition("\n")[2][-LAST:]
            raise WorkerError(f"a machine of the cluster came to no answer (exit code {code}): {last}")
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _exchange(self, order: bytes) -> bytes | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, order)
            self._await(self._process.stdout)
            return receive(self._process.stdout)
        except OSError:
            return None

    @staticmethod
    def _await(answers: IO[bytes]) -> None:
        """Wait for what can be read; an engine's interrupt, which wakes nobody, is heard between two looks."""
        while not select.select([answers], [], [], EVERY)[0]:
            pass

    def _await_end(self) -> int:
        """The exit code; what it has to say is said by then, and not when its answers end."""
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _listen(self) -> str:
        """What it said since it was asked last."""
        self._said.seek(0)
        said = self._said.read().decode("utf-8", "replace")
        self._said.truncate(0)
        return said


_kept: list[Outpost] = []


def find_outpost(environment: Mapping[str, str]) -> Outpost:
    """The one of this process; another is begun where there is none, or the environment has changed.

    Raises:
        OSError: no process can be made.
    """
    if not _kept or not _kept[0].is_fit(environment):
        for old in _kept:
            old.close()
        _kept[:] = [Outpost(environment)]
    return _kept[0]
