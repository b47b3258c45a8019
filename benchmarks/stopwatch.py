"""Time on the clock, and the processor's: other programs on the same cores lengthen the first and hardly the second."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of the processor over all threads."""

    seconds: float
    processor: float

    def scale(self, factor: float) -> "Spent":
        """So many times as much."""
        return Spent(self.seconds * factor, self.processor * factor)


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._start = _read_clocks()

    def read(self) -> Spent:
        """What was spent since."""
        now = _read_clocks()
        return Spent(now.seconds - self._start.seconds, now.processor - self._start.processor)


def _read_clocks() -> Spent:
    return Spent(time.perf_counter(), time.process_time())
