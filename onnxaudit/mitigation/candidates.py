"""Which neurons the pruning loop tries, and in which order."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal

from onnxaudit.records import Profile

Ranking = Literal["activation", "weight"]
Group = tuple[int, ...]
Candidate = tuple[Ranking, Group]


def list_candidates(profile: Profile, pruned: Sequence[int], largest: int) -> Iterator[Candidate]:
    """Neurons from both lists in turn, the activation list first; then groups of two, four ... up to `largest`.

    `pruned` may grow meanwhile: groups are made of what is left when their size has its turn.
    """
    lists = (
        [p.neuron for p in sorted(profile.neurons, key=lambda p: p.activation_rank)],
        [p.neuron for p in sorted(profile.neurons, key=lambda p: p.weight_rank)],
    )
    size = 1
    while size <= largest:
        by_activation, by_weight = ([n for n in ranked if n not in set(pruned)] for ranked in lists)
        for start in range(0, len(by_weight), size):
            yield "activation", tuple(by_activation[start : start + size])
            yield "weight", tuple(by_weight[start : start + size])
        size *= 2


def take_next(
    queue: deque[Candidate], upcoming: Iterator[Candidate], count: int, pruned: Sequence[int]
) -> list[Candidate]:
    """The next candidates, without neurons that are already out."""
    gone, batch = set(pruned), list[Candidate]()
    while len(batch) < count:
        candidate = queue.popleft() if queue else next(upcoming, None)
        if candidate is None:
            break
        ranking, group = candidate
        left = tuple(neuron for neuron in group if neuron not in gone)
        if left:
            batch.append((ranking, left))
    return batch
