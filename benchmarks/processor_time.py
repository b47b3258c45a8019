"""Processor seconds of all that a process starts, while a block lasts: what other programs do counts for nothing.

Nothing else counts what a process has used that nobody waits for, as Ray's are. Each is looked at ten times a second,
so that of each one a tenth of a second may be missing.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

LOOK = 0.1  # seconds
TICKS = os.sysconf("SC_CLK_TCK")
Process = tuple[int, int]  # its id, and when it began: ids are used again


class ProcessorTime:
    """Of the descendants of this process.

    What this process uses itself is no part of it.
    """

    def __init__(self) -> None:
        """Nothing is looked at yet."""
        self._before = dict[Process, float]()
        self._seen = dict[Process, float]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seconds(self) -> float:
        """Of all of them together."""
        return sum(one - self._before.get(process, 0.0) for process, one in self._seen.items())

    def __enter__(self) -> Self:
        """Begin."""
        self._before = dict(list_times(os.getpid(), set()))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look for the last time."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        over = False
        while not over:
            over = self._over.wait(LOOK)
            self._seen.update(list_times(os.getpid(), {pid for pid, _ in self._seen}))


def list_times(root: int, known: set[int]) -> Mapping[Process, float]:
    """Processor seconds of each descendant of a process, and of those that are known to have been some."""
    table = dict[int, tuple[int, int, float]]()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        table[int(entry.parent.name)] = int(words[1]), int(words[19]), (int(words[11]) + int(words[12])) / TICKS
    inside = {root}
    for pid in sorted(table):
        if pid in known or _descends(pid, inside, table):
            inside.add(pid)
    return {(pid, table[pid][1]): table[pid][2] for pid in inside - {root} if pid in table}


def _descends(pid: int, inside: set[int], table: Mapping[int, tuple[int, int, float]]) -> bool:
    seen = set[int]()
    while pid in table and pid not in seen:
        if pid in inside:
            return True
        seen.add(pid)
        pid = table[pid][0]
    return False
