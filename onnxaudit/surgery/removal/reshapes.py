"""Where entries are behind a reshape that keeps the batch, and before it."""

from collections.abc import Sequence

import numpy as np

from onnxaudit.surgery.removal.network import Network
from onnxaudit.surgery.removal.slots import RefusalError, Slot, collapse, expand


def reshape(network: Network, source: str, result: str, slot: Slot, forward: bool) -> Slot:
    """The entries behind (or before) a reshape that keeps the batch."""
    start, end = (source, result) if forward else (result, source)
    for group, onto in _match(network.shape(start), network.shape(end), start):
        if slot.axis not in group:
            continue
        sizes, targets = ([network.shape(name)[axis] for axis in axes] for name, axes in ((start, group), (end, onto)))
        if len(onto) == 1:
            return Slot(onto[0], collapse(slot, sizes, group.index(slot.axis)))
        if len(group) == 1:
            place, owners = expand(slot, targets)
            return Slot(onto[place], owners)
    raise RefusalError(f"the reshape to {result!r} mixes it with other axes", result)


def _match(start: Sequence[int], end: Sequence[int], name: str) -> list[tuple[list[int], list[int]]]:
    """Groups of axes of both shapes that hold the same entries; the batch stands alone."""
    if start[:1] != end[:1]:
        raise RefusalError(f"the reshape of tensor {name!r} mixes images", name)
    groups, left, right = [], 1, 1
    while left < len(start) or right < len(end):
        here, there = [left] if left < len(start) else [], [right] if right < len(end) else []
        left, right = left + len(here), right + len(there)
        while _count(start, here) != _count(end, there):
            if _count(start, here) < _count(end, there) and left < len(start):
                here.append(left)
                left += 1
            elif right < len(end):
                there.append(right)
                right += 1
            else:
                raise RefusalError(f"the reshape of tensor {name!r} mixes images", name)
        groups.append((here, there))
    return _swallow_ones(groups)


def _swallow_ones(groups: list[tuple[list[int], list[int]]]) -> list[tuple[list[int], list[int]]]:
    """Trailing axes of size one that meet nothing belong to nobody."""
    return [(here, there) for here, there in groups if here and there]


def _count(shape: Sequence[int], axes: Sequence[int]) -> int:
    return int(np.prod([shape[axis] for axis in axes], dtype=np.int64))
