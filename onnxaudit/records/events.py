"""Progress of long work, told to whoever listens."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Progress of long work.

    Attributes:
        stage: which stage speaks; of detectors their id.
        done: how much is done, in units of `total`; `total` is 0 where nobody knows.
        message: for people.
    """

    stage: str
    done: int
    total: int
    message: str = ""


OnEvent = Callable[[Event], None]
