"""Parts of the work side by side, one processor core each.

A convolution over a few dozen small images leaves a second core half idle; two convolutions side by side do not. How
the work is cut depends on its size alone, so that results are the same for any number of cores.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType
from typing import Self, TypeVar

import torch
from torch import Tensor

ACCELERATOR = 32  # cores' worth of work at once keep one busy
FEWEST_OF = 4  # a part holds at least a fourth of what it may hold, where it is made for the sake of a second core

Part = TypeVar("Part")
Result = TypeVar("Result")


class Workers:
    """Threads, as many as PyTorch would use for one operation; none where an accelerator does the work.

    Inside the `with` block operations run on one thread each. A block within a block has no threads of its own.
    """

    def __init__(self, device: torch.device) -> None:
        self._threads = torch.get_num_threads()
        count = self._threads if device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) if count > 1 else None

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """`function` of each part, in their order; the first error is raised."""
        if self._pool is None or len(parts) == 1:
            return [function(part) for part in parts]
        return list(self._pool.map(function, parts))

    def __enter__(self) -> Self:
        if self._pool is not None:
            torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(self._threads)


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """Within the block PyTorch's operations run on one thread: small ones wait longer for a second than they take.

    On a busy machine, where the second thread has no core, 400 steps over 27 classes took 15 seconds in place of .2.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def count_rows(budget: int, each: int, device: torch.device) -> int:
    """How many rows of `each` values go through the network at once, where a core takes `budget` values."""
    return max(1, budget * (1 if device.type == "cpu" else ACCELERATOR) // each)


def cut(rows: Sequence[Part], most: int) -> list[Sequence[Part]]:
    """`rows` in as few parts of nearly equal length as hold at most `most` each; no part without rows."""
    bounds = _place_bounds(len(rows), -(-len(rows) // most))
    return [rows[start:end] for start, end in pairwise(bounds)]


def cut_tensor(rows: Tensor, most: int, *, even: bool = False) -> tuple[Tensor, ...]:
    """The same along the first axis of a tensor that is not empty.

    Args:
        rows: `(n, ...)`.
        most: rows of a part.
        even: one part more where their number is odd, which leaves one of two cores idle while the last is done; unless
            parts got so small that they took longer than that gains: on one core half of `most` takes a twelfth longer,
            a quarter of it a third.
    """
    count = -(-len(rows) // most)
    if even and count % 2 and len(rows) >= (count + 1) * max(1, most // FEWEST_OF):
        count += 1
    return rows.tensor_split(_place_bounds(len(rows), count)[1:-1])


def _place_bounds(length: int, count: int) -> list[int]:
    return [length * index // max(1, count) for index in range(count + 1)]


def join(parts: Sequence[Sequence[Result] | None]) -> list[Result]:
    """One list; an empty one if a part was not finished, because labels have to be compared at equal effort."""
    finished = [part for part in parts if part is not None]
    return [one for part in finished for one in part] if len(finished) == len(parts) else []
