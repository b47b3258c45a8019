"""A point on the clock at which work stops.

It never changes a choice: what it stops is reported as unfinished.
"""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """`at` is on the clock of `time.monotonic`, in seconds; infinity never comes."""

    at: float = float("inf")

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """The deadline `seconds` from now; None means never."""
        return cls() if seconds is None else cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then; 0 once it has passed."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.at
