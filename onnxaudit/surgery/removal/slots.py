"""What goes out together: entries along one axis of a tensor, each with the neuron that it belongs to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Ints

NOBODY = -1


class RefusalError(Exception):
    """Why neurons cannot be taken out.

    Attributes:
        reason: one clause for people.
        tensor: where it was found, or "".
        neurons: which ones; empty for all.
    """

    def __init__(self, reason: str, tensor: str = "", neurons: Collection[int] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tensor = tensor
        self.neurons = tuple(sorted(neurons))


@dataclass(frozen=True, eq=False)
class Slot:
    """Entries of a tensor that go out.

    Attributes:
        axis: along which they are counted, from 0.
        owners: the neuron that each entry belongs to `(size,)`; `NOBODY` for those that stay.
    """

    axis: int
    owners: Ints

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which entries stay `(size,)`."""
        kept: npt.NDArray[np.bool_] = self.owners == NOBODY
        return kept

    @property
    def neurons(self) -> tuple[int, ...]:
        """Those that have an entry here."""
        return tuple(int(owner) for owner in np.unique(self.owners) if owner != NOBODY)

    def on(self, axis: int) -> "Slot":
        """The same entries counted along another axis."""
        return Slot(axis, self.owners)

    def equals(self, other: "Slot") -> bool:
        """Whether both say the same."""
        return self.axis == other.axis and np.array_equal(self.owners, other.owners)

    def includes(self, other: "Slot") -> bool:
        """Whether what `other` names goes here too."""
        return self.axis == other.axis and bool((other.kept | (self.owners == other.owners)).all())


def collapse(slot: Slot, sizes: Sequence[int], place: int) -> Ints:
    """Owners along the axis that axes of these `sizes` are flattened into; the slot's is the one at `place`."""
    shape = [-1 if index == place else 1 for index in range(len(sizes))]
    owners: Ints = np.broadcast_to(slot.owners.reshape(shape), tuple(sizes)).reshape(-1)
    return owners


def expand(slot: Slot, sizes: Sequence[int]) -> tuple[int, Ints]:
    """The inverse: which of the axes the entries are counted along, and their owners there.

    Raises:
        RefusalError: a neuron owns part of an entry of every axis.
    """
    spread = slot.owners.reshape(tuple(sizes))
    for place in range(len(sizes)):
        first = np.moveaxis(spread, place, -1).reshape(-1, sizes[place])
        if (first == first[0]).all():
            return place, first[0].copy()
    raise RefusalError("a neuron is one place of a channel, and a channel can only go as a whole", "", slot.neurons)
