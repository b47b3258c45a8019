"""Two functions timed in turn, so that what else the machine does falls on both."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from statistics import median

LEAST_SECONDS = 0.1  # of one measurement: shorter ones are repeated within it
CONFIDENCE = 0.95
Run = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """Median of ratios with its interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """For the table."""
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def compare(ours: Run, theirs: Run, pairs: int) -> Ratio:
    """Ratio of the times of two functions, measured in turn."""
    repeats = max(1, round(LEAST_SECONDS / max(_time(theirs, 3), 1e-6)))
    _time(ours, repeats)
    _time(theirs, repeats)
    ratios = []
    for pair in range(pairs):
        if pair % 2:
            mine, other = _time(ours, repeats), _time(theirs, repeats)
        else:
            other, mine = _time(theirs, repeats), _time(ours, repeats)
        ratios.append(mine / other)
    return summarize(ratios)


def summarize(ratios: list[float]) -> Ratio:
    """Median and the narrowest symmetric pair of order statistics that holds it with 95 % confidence."""
    ordered, count = sorted(ratios), len(ratios)
    rank, outside = 0, 2 * 0.5**count
    while outside + 2 * comb(count, rank + 1) * 0.5**count <= 1 - CONFIDENCE:
        rank += 1
        outside += 2 * comb(count, rank) * 0.5**count
    return Ratio(median(ordered), ordered[rank], ordered[-1 - rank])


def _time(run: Run, repeats: int) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats
