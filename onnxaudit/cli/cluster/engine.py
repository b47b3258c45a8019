"""What a cluster can do for a run, whichever engine it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class LostError(Exception):
    """The cluster came to no answer about a job; the message says why, for people."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What one machine has, or what a job asks of one.

    Attributes:
        cores: processor cores.
        memory: bytes.
        gpus: how many; parts of one count.
    """

    cores: float
    memory: int
    gpus: float = 0.0

    def has_room_for(self, demand: "Machine") -> bool:
        """Whether a job fits on it while nothing else runs there."""
        return demand.cores <= self.cores and demand.memory <= self.memory and demand.gpus <= self.gpus


class Engine(Protocol):
    """Does jobs somewhere. What `put` and `submit` give back means something to the engine alone, and is hashable."""

    def list_machines(self) -> Sequence[Machine]:
        """Those that are there now."""

    def put(self, content: bytes) -> Any:
        """Hold bytes for the jobs to come: they go to each machine once, however many jobs there use them."""

    def submit(self, job: bytes, parcels: Sequence[Any], demand: Machine) -> Any:
        """Have a job done where there is room for it, and again where its machine is lost.

        Args:
            job: what `node.do` is told.
            parcels: what `put` gave, in the order of the job's digests.
            demand: what it takes.
        """

    def await_any(self, running: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those of the jobs that came to an end, within some seconds."""

    def take(self, ended: Any) -> bytes:
        """The answer of a job that came to its end.

        Raises:
            LostError: there is none.
        """

    def drop(self, running: Any) -> None:
        """End a job that nobody waits for any more."""

    def close(self) -> None:
        """Leave the cluster."""
