"""A scan that several machines do together, each from another end: which parts one takes, and when it lets one go.

What they have in common is the shelf of finished units. None waits for another: whoever comes to a part that is not
there computes it, and gives it up once another has finished it. So nothing that is found depends on who was faster.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from onnxaudit.deadline import Deadline

EVERY = 1.0  # seconds between two looks at the shelf
Part = TypeVar("Part")


@dataclass
class Lookout:
    """Looks, once a second, whether something was finished elsewhere.

    Attributes:
        look: tells.
        found: whether it was.
    """

    look: Callable[[], bool]
    found: bool = False
    _next: float = field(default_factory=lambda: time.monotonic() + EVERY)

    def sees(self) -> bool:
        """Whether it was, as far as is known."""
        now = time.monotonic()
        if not self.found and now >= self._next:
            self.found, self._next = self.look(), now + EVERY
        return self.found


@dataclass(frozen=True, kw_only=True)
class UntilFound(Deadline):
    """A deadline that has passed as well once there is no need to go on.

    Attributes:
        lookout: tells so.
    """

    lookout: Lookout

    @property
    def passed(self) -> bool:
        """Whether the time is up, or the work was done elsewhere."""
        return super().passed or self.lookout.sees()


def choose_turn(parts: Sequence[Part], place: int) -> tuple[Part, ...]:
    """Parts that do not depend on each other, in the order in which a helper takes them.

    The scan that counts (place 0) goes forward by itself; helpers begin at the end, each one further before it, and
    leave the first part alone, which is under way.

    Args:
        parts: in the order of the scan that counts.
        place: of the helper, from 1 on.
    """
    backward = tuple(reversed(parts[1:]))
    cut = (place - 1) % len(backward) if backward else 0
    return (*backward[cut:], *backward[:cut])
