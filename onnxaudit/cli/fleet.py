"""Several scans at once: as many worker processes as there are jobs, cores and memory for.

One that crashes, lies or does not end takes none of the others with it. What comes of a model does not depend on its
company: how the work of a scan is cut never follows the number of cores.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.cli.board import Board
from onnxaudit.cli.errand import Errand, Outcome, answer_of
from onnxaudit.cli.isolation import Task
from onnxaudit.errors import WorkerError
from onnxaudit.isolation.reach import list_model_files
from onnxaudit.isolation.worker import TICK, await_any

BASE = 700 * 2**20  # bytes of a worker before it opened a model: the libraries
TIMES = 6  # the model's files: as read, in onnxruntime, as a copy, and what lies between layers


@dataclass(frozen=True, kw_only=True)
class Room:
    """What all scans share.

    Attributes:
        jobs: at most so many at once.
        memory: bytes for all of them together; None: nobody knows.
    """

    jobs: int
    memory: int | None

    def grant(self, model: Path, *, alone: bool) -> int | None:
        """Bytes for one model: an equal share, or more where its files are large; all where it runs alone."""
        if self.memory is None:
            return None
        return self.memory if alone else min(self.memory, max(self.memory // self.jobs, estimate_memory(model)))

    def pin(self, slot: int) -> Callable[[], None]:
        """Keeps a worker to its part of the cores, so that scans do not wait for each other's threads."""
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        own = cores[slot :: self.jobs] or cores[slot % max(1, len(cores)) :][:1]

        def pin() -> None:
            if own and self.jobs > 1:
                os.sched_setaffinity(0, own)

        return pin


def estimate_memory(model: Path) -> int:
    """Bytes that a scan takes at least, roughly, told by the size of the model's files."""
    sizes = 0
    for file in list_model_files(model):
        try:
            sizes += file.stat().st_size
        except OSError:  # what is wrong with it is told where it is opened
            continue
    return BASE + TIMES * sizes


@dataclass
class Running:
    """A scan that runs: which, at what memory, on which part of the cores."""

    errand: Errand
    task: Task
    memory: int
    slot: int


class Fleet:
    """The scans of a run, from the first to the last.

    Args:
        errands: in the order in which they begin.
        room: for how many.
        board: is told of progress.
    """

    def __init__(self, errands: Sequence[Errand], room: Room, board: Board) -> None:
        """None has begun."""
        self._waiting = deque((errand, False) for errand in errands)
        self._running: list[Running] = []
        self._room, self._board = room, board

    def run(self) -> Iterator[tuple[Errand, Outcome]]:
        """What comes of each scan, as soon as it is known."""
        while self._waiting or self._running:
            while self._waiting and self._has_room():
                yield from self._begin(*self._waiting.popleft())
            ended = await_any([one.task.worker for one in self._running], TICK) if self._running else []
            for one in [one for one in self._running if one.task.worker in ended]:
                yield from self._finish(one)

    def interrupt(self) -> Iterator[tuple[Errand, Outcome]]:
        """End all that runs; how far it had come."""
        for one in self._running:
            yield one.errand, one.errand.interrupt(one.task)

    def close(self) -> None:
        """End all that still runs."""
        for one in self._running:
            one.task.close()
        self._running.clear()

    def _has_room(self) -> bool:
        errand, alone = self._waiting[0]
        if not self._running:
            return True
        granted = self._room.grant(errand.model, alone=alone) or 0
        taken = sum(one.memory for one in self._running)
        fits = self._room.memory is None or taken + granted <= self._room.memory
        return fits and len(self._running) < self._room.jobs

    def _begin(self, errand: Errand, alone: bool) -> Iterator[tuple[Errand, Outcome]]:
        if not alone:
            self._board.begin(errand.number, errand.name)
        slot = min(set(range(self._room.jobs)) - {one.slot for one in self._running})
        granted = self._room.grant(errand.model, alone=alone) if self._room.jobs > 1 else None
        errand.again = bool(granted and granted < (self._room.memory or 0))
        begun = self._try_to_begin(errand, granted, slot)
        if isinstance(begun, Task):
            self._running.append(Running(errand, begun, granted or 0, slot))
        else:
            yield self._tell(errand, begun)

    def _try_to_begin(self, errand: Errand, granted: int | None, slot: int) -> Task | Outcome:
        try:
            return errand.begin(self._board, granted, self._room.pin(slot))
        except BrokenPipeError:
            raise
        except OSError as error:  # for want of processes, memory or files; others may have them later
            return errand.fail(WorkerError(f"no worker process can be made: {error.strerror or error}"))

    def _finish(self, one: Running) -> Iterator[tuple[Errand, Outcome]]:
        self._running.remove(one)
        with one.task as task:
            outcome = one.errand.finish(task)
        if one.errand.short and one.errand.again:
            one.errand.short = False
            self._waiting.append((one.errand, True))  # once more, with all of the memory
        else:
            yield self._tell(one.errand, outcome)

    def _tell(self, errand: Errand, outcome: Outcome) -> tuple[Errand, Outcome]:
        self._board.end(errand.number, answer_of(outcome))
        return errand, outcome
