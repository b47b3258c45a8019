"""From values to pixels, and round numbers for axes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps `[low, high]` to pixels from `start` to `end`, by logarithms where `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; values outside stand at the edge."""
        low, high, value = (self._bend(one) for one in (self.low, self.high, value))
        share = (min(max(value, low), high) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> tuple[float, ...]:
        """A few round numbers between `low` and `high`."""
        if self.log:
            return _choose_log_ticks(self.low, self.high)
        step = _choose_step((self.high - self.low) / 5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(round(place * step, 10) for place in range(first, last + 1))

    def _bend(self, value: float) -> float:
        return math.log(max(value, 1e-9)) if self.log else value


def list_finite(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def cover(values: Iterable[float | None], margin: float = 0.08) -> tuple[float, float]:
    """The range of all finite values with room at both ends; never empty."""
    found = list_finite(values) or [0.0]
    low, high = min(found), max(found)
    room = margin * (high - low) or max(abs(high), 1.0) / 2
    return low - room, high + room


def cover_log(values: Iterable[float | None]) -> tuple[float, float]:
    """The same for logarithms of positive values."""
    low, high = cover(math.log(max(value, 0.1)) for value in list_finite(values))
    return math.exp(low), math.exp(high)


def format_tick(value: float) -> str:
    """A round number without needless digits."""
    return f"{value:g}".replace("-", "−")


def _choose_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * 0.999)


def _choose_log_ticks(low: float, high: float) -> tuple[float, ...]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        ticks = tuple(digit * 10.0**power for power in powers for digit in digits)
        shown = tuple(tick for tick in ticks if low <= tick <= high)
        if len(shown) >= 3:
            break
    return shown
