"""A point on the clock at which work stops.

It never changes a choice: what it stops is reported as unfinished. Loops ask whether it has `passed` and end with what
there is; everything that runs a network `check`s it before each batch, so that no stage is without one.
"""

import time
from dataclasses import dataclass

from onnxaudit.errors import OutOfTimeError


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

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            OutOfTimeError: it has passed.
        """
        if self.passed:
            raise OutOfTimeError

    def share(self, share: float) -> "Deadline":
        """An earlier one, after a share of the seconds that are left; one that never comes stays."""
        return self if self.at == float("inf") else Deadline(time.monotonic() + share * self.left)

    def extend(self, share: float, start: float) -> "Deadline":
        """A later one, by a share of the time between `start`, on the same clock, and this one."""
        return Deadline(self.at + share * max(0.0, self.at - start))


NEVER = Deadline()
