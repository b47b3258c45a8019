"""What runs on a cluster: scans, and helpers that do parts of them on machines that have nothing else to do."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from onnxaudit.cli.cluster.engine import Machine
from onnxaudit.cli.cluster.job import Job
from onnxaudit.cli.errand import Errand

MOST_HELPERS = 3  # of one model, begun: no more of its parts are independent at a time


@dataclass(frozen=True, kw_only=True, eq=False)
class Sent:
    """A scan that runs somewhere, or one that helps it.

    Attributes:
        errand: whose model it is.
        alone: whether it has all the memory of its machine.
        job: what was sent; its place tells which of both it is.
        parcels: what the engine calls the files.
        demand: what it takes.
    """

    errand: Errand
    alone: bool
    job: Job
    parcels: Sequence[Any]
    demand: Machine


def choose_helped(running: Collection[Sent], begun: Counter[int]) -> Sent | None:
    """The scan that gets the next helper: the first of those with the fewest; None where all have enough.

    Args:
        running: all that runs.
        begun: helpers so far, by the number of the errand; one that has failed counts too.
    """
    scans = [one for one in running if not one.job.place and begun[one.errand.number] < MOST_HELPERS]
    return min(scans, key=lambda one: begun[one.errand.number], default=None)
