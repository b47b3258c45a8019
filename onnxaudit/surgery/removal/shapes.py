"""Operators that move, pool, flatten or join entries."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.surgery.removal.edits import Edit, SetShape
from onnxaudit.surgery.removal.network import Network, describe
from onnxaudit.surgery.removal.reshapes import reshape
from onnxaudit.surgery.removal.slots import NOBODY, RefusalError, Slot

POOLS = {"AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool"}
REDUCTIONS = {"ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"}
MOVES = {"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
SHAPING = POOLS | REDUCTIONS | MOVES | {"Concat", "Pad"}
Values = Mapping[str, npt.NDArray[np.float64]]
KEEPING = MOVES | {"GlobalAveragePool", "GlobalMaxPool", "MaxPool", "ReduceMax", "ReduceMean", "ReduceMin"}


def relate(network: Network, node: Any, name: str, slot: Slot) -> dict[str, Slot]:
    """Where the entries are on the other side of the node."""
    if node.op == "Concat":
        return _relate_joined(network, node, name, slot)
    source, result = node.inputs[0].name, node.outputs[0].name
    forward = name == source
    other = result if forward else source
    if node.op in ("Flatten", "Reshape"):
        return {other: reshape(network, source, result, slot, forward)}
    rank = len(network.shape(source))
    if node.op in POOLS and slot.axis != 1:
        raise RefusalError(f"{describe(node)} pools over it", name)
    axes = _axes(network, node, rank) if node.op in REDUCTIONS | {"Squeeze", "Unsqueeze", "Pad"} else ()
    if node.op == "Transpose":
        order = list(node.attrs.get("perm", range(rank)[::-1]))
        return {other: slot.on(order.index(slot.axis) if forward else order[slot.axis])}
    if (
        node.op == "Unsqueeze"
        or (node.op in REDUCTIONS and node.attrs.get("keepdims", 1))
        or node.op in POOLS | {"Pad"}
    ):
        inserted = axes if node.op == "Unsqueeze" else ()
        if node.op != "Unsqueeze" and slot.axis in axes:
            raise RefusalError(f"{describe(node)} works along it", name)
        return {other: slot.on(_shift(slot.axis, inserted, rank + len(inserted), forward))}
    if forward and slot.axis in axes:
        raise RefusalError(f"{describe(node)} works along it", name)
    return {other: slot.on(_shift(slot.axis, axes, rank, not forward))}


def edits(network: Network, node: Any, slots: Mapping[str, Slot]) -> Iterator[Edit]:
    """A shape that names the old size names the new one."""
    if node.op != "Reshape" or len(node.inputs) < 2:
        return
    result = node.outputs[0].name
    slot, sizes = slots[result], network.shape(result)
    left = int(slot.kept.sum())
    if network.is_readable(node.inputs[1]):
        shape = [int(size) for size in network.read(node.inputs[1]).reshape(-1)]
        if shape[slot.axis] > 0:
            shape[slot.axis] = left
            yield SetShape(result, tuple(shape))
        return
    if node.attrs.get("allowzero", 0):
        raise RefusalError(f"{describe(node)} takes a computed shape", result)
    yield SetShape(result, (0, *(left if axis == slot.axis else sizes[axis] for axis in range(1, len(sizes)))))


def value(network: Network, node: Any, slots: Mapping[str, Slot], values: Values) -> npt.NDArray[np.float64]:
    """Constants stay what they are; a pool that counts zeros at the border keeps only zero."""
    slot = slots[node.outputs[0].name]
    if node.op == "Concat":
        return _join_values(network, node, slot, values)
    source = node.inputs[0].name
    if source not in values:
        return np.full(len(slot.owners), np.nan)
    constants = _follow(slots[source], slot, values[source])
    if node.op in KEEPING or (node.op == "AveragePool" and not node.attrs.get("count_include_pad", 0)):
        return constants
    if node.op == "Pad" and _fills(network, node):
        return np.full(len(slot.owners), np.nan)
    return np.where(constants == 0, 0.0, np.nan)


def _fills(network: Network, node: Any) -> bool:
    """Whether a Pad brings in anything but zero."""
    if len(node.inputs) > 2 and node.inputs[2].name:
        return not network.is_readable(node.inputs[2]) or bool(np.any(network.read(node.inputs[2])))
    return bool(node.attrs.get("value", 0.0))


def _join_values(network: Network, node: Any, slot: Slot, values: Values) -> npt.NDArray[np.float64]:
    """Those of the parts side by side; where they are joined along another axis, what all parts agree on."""
    if _along(network, node) == slot.axis:
        sizes = zip(node.inputs, _sizes(network, node), strict=True)
        return np.concatenate([values.get(tensor.name, np.full(size, np.nan)) for tensor, size in sizes])
    blank = np.full(len(slot.owners), np.nan)
    parts = np.stack([values.get(tensor.name, blank) for tensor in node.inputs])
    return np.where((parts == parts[0]).all(axis=0), parts[0], np.nan)


def _relate_joined(network: Network, node: Any, name: str, slot: Slot) -> dict[str, Slot]:
    result, axis = node.outputs[0].name, _along(network, node)
    parts = [tensor.name for tensor in node.inputs]
    if any(network.is_stored(tensor) for tensor in node.inputs):
        raise RefusalError(f"{describe(node)} joins it with stored values", name)
    if slot.axis != axis:
        return dict.fromkeys((*parts, result), slot)
    sizes = _sizes(network, node)
    ends = list(accumulate(sizes))
    if name == result:
        pieces = np.split(slot.owners, ends[:-1])
        return {part: Slot(axis, piece) for part, piece in zip(parts, pieces, strict=True)}
    owners = np.full(ends[-1], NOBODY)
    for part, size, end in zip(parts, sizes, ends, strict=True):
        if part == name:
            owners[end - size : end] = slot.owners
    return {result: Slot(axis, owners)}


def _along(network: Network, node: Any) -> int:
    """The axis of a Concat, from 0."""
    return int(node.attrs["axis"]) % len(network.shape(node.outputs[0].name))


def _sizes(network: Network, node: Any) -> list[int]:
    """Sizes of the parts of a Concat along its axis."""
    axis = _along(network, node)
    return [network.shape(tensor.name)[axis] for tensor in node.inputs]


def _axes(network: Network, node: Any, rank: int) -> tuple[int, ...]:
    """The axes that a node names, from 0."""
    if node.op == "Pad":
        if "pads" in node.attrs:
            pads = list(node.attrs["pads"])
        elif len(node.inputs) > 3 and node.inputs[3].name:
            raise RefusalError(f"{describe(node)} names its axes", node.outputs[0].name)
        else:
            pads = network.read(node.inputs[1]).reshape(-1).tolist()
        return tuple(axis for axis in range(rank) if pads[axis] or pads[axis + rank])
    if "axes" in node.attrs:
        axes = list(node.attrs["axes"])
    elif len(node.inputs) > 1 and node.inputs[1].name:
        axes = network.read(node.inputs[1]).reshape(-1).tolist()
    else:
        axes = list(range(rank))
    return tuple(int(axis) % (rank + len(axes) if node.op == "Unsqueeze" else rank) for axis in axes)


def _shift(axis: int, extra: Sequence[int], rank: int, inwards: bool) -> int:
    """An axis counted among all `rank` axes (`inwards`) or among those that are not `extra`; from the other count."""
    others = [index for index in range(rank) if index not in extra]
    return others[axis] if inwards else others.index(axis)


def _follow(before: Slot, after: Slot, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values by entry behind a node that moves entries; each neuron has one value before it."""
    if len(before.owners) == len(after.owners) and np.array_equal(before.owners, after.owners):
        return values
    moved = np.full(len(after.owners), np.nan)
    for neuron in after.neurons:
        known = np.unique(values[before.owners == neuron])
        if len(known) == 1:
            moved[after.owners == neuron] = known[0]
    return moved
