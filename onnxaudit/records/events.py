"""Progress of long work, told to whoever listens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "load",
    "samples",
    "import",
    "preprocess",
    "margin",
    "latent",
    "invert",
    "waves",
    "closer",
    "universal",
    "verify",
    "profile",
    "prune",
    "tune",
    "write",
    "rescan",
]


@dataclass(frozen=True)
class Event:
    """Progress of long work.

    Attributes:
        stage: which stage speaks.
        done: how much is done, in units of `total`; `total` is 0 where nobody knows.
        message: for people.
    """

    stage: Stage
    done: int
    total: int
    message: str = ""


OnEvent = Callable[[Event], None]
