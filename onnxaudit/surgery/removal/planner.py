"""Which entries of which tensors go out together, and the edits that take them out.

From the layer's tensor the neurons are followed both ways: back to the rows that make them, on to the columns that
read them, through whatever treats channels one by one; a sum couples its operands (dependency graph of Fang et al.,
"DepGraph: Towards Any Structural Pruning", CVPR 2023). They can go if every column that reads them is zero, or if they
are constant there and a bias can take that up.

Differs from the source:
- nothing is pruned that matters: only what is silent already goes, so that outputs stay the same;
- where one operand of a sum is needed elsewhere too, it is cropped at the sum and stays whole elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.surgery.graph import DIMENSIONS_ONLY
from onnxaudit.surgery.removal import elementwise, shapes
from onnxaudit.surgery.removal.counts import check_sizes
from onnxaudit.surgery.removal.edits import Crop, Cut, Edit
from onnxaudit.surgery.removal.network import Network, describe
from onnxaudit.surgery.removal.products import PRODUCTS, Product
from onnxaudit.surgery.removal.slots import NOBODY, RefusalError, Slot


@dataclass(frozen=True, eq=False)
class Plan:
    """What goes out.

    Attributes:
        slots: by tensor.
        edits: in no particular order.
    """

    slots: Mapping[str, Slot]
    edits: tuple[Edit, ...]


@dataclass
class _Spread:
    """The tensors found so far, from where each was reached, and where operands are cropped."""

    network: Network
    crops: frozenset[str]
    slots: dict[str, Slot] = field(default_factory=dict)
    origins: dict[str, tuple[str, Any]] = field(default_factory=dict)
    cropped: list[tuple[Any, str, Slot]] = field(default_factory=list)


def make_plan(network: Network, start: str, seed: Slot) -> Plan:
    """The plan that takes the entries of `seed` out of tensor `start`.

    Raises:
        RefusalError: some or all neurons cannot go.
    """
    crops: frozenset[str] = frozenset()
    while True:
        found = _Spread(network, crops)
        try:
            _spread(found, start, seed)
            return Plan(found.slots, tuple(_list_edits(found)))
        except RefusalError as refusal:
            branch = _find_branch(found, refusal.tensor)
            if branch is None or branch in crops:
                raise
            crops |= {branch}


def _spread(found: _Spread, start: str, seed: Slot) -> None:
    """Follow the entries of `seed` through everything that treats channels one by one."""
    found.slots[start] = seed
    waiting = [start]
    while waiting:
        name = waiting.pop()
        for node in _neighbors(found.network, name):
            for other, slot in _relate(found.network, node, name, found.slots[name]).items():
                if _add(found, node, name, other, slot):
                    waiting.append(other)


def _add(found: _Spread, node: Any, name: str, other: str, slot: Slot) -> bool:
    """Enter a tensor; whether it is new."""
    if other in found.slots:
        joined = node.op == "Concat" and other == node.outputs[0].name  # of other parts than this one too
        if not (found.slots[other].includes(slot) if joined else found.slots[other].equals(slot)):
            raise RefusalError(f"tensor {other!r} would lose different entries by two ways", other)
        return False
    if not slot.neurons:
        return False
    if other in found.crops and other != node.outputs[0].name:
        if all(entry[0] is not node or entry[1] != other for entry in found.cropped):
            found.cropped.append((node, other, slot))
        return False
    found.slots[other], found.origins[other] = slot, (name, node)
    return True


def _neighbors(network: Network, name: str) -> Iterator[Any]:
    """The node that makes a tensor and those that read it."""
    tensor = network.graph.tensor(name)
    if network.graph.is_output(name):
        raise RefusalError(f"tensor {name!r} is an output of the model", name)
    if not tensor.inputs:
        raise RefusalError("it comes straight from the image", name)
    for node in (*tensor.inputs, *tensor.outputs):
        if not network.is_own(node):
            raise RefusalError(f"tensor {name!r} is read inside a nested graph", name)
        yield node


def _relate(network: Network, node: Any, name: str, slot: Slot) -> Mapping[str, Slot]:
    if any(tensor.outputs for tensor in node.outputs[1:]):
        raise RefusalError(f"{describe(node)} makes several tensors of it", name)
    if node.op in PRODUCTS:
        return Product(network, node).relate(network, name, slot)
    if node.op in elementwise.ELEMENTWISE:
        return elementwise.relate(network, node, name, slot)
    if node.op in shapes.SHAPING:
        return shapes.relate(network, node, name, slot)
    if node.op in DIMENSIONS_ONLY:
        return {}
    raise RefusalError(f"{describe(node)} mixes channels, or is not known to leave them apart", name)


def _find_branch(found: _Spread, name: str) -> str | None:
    """The nearest tensor on the way back from `name` to the layer that is one of several operands of a node."""
    while name in found.origins:
        origin, node = found.origins[name]
        backwards = origin == node.outputs[0].name
        if backwards and len(found.network.varying(node)) > 1:
            return name
        name = origin
    return None


def _list_edits(found: _Spread) -> list[Edit]:
    """Every edit, once it is shown that nothing of use is lost."""
    network, slots = found.network, found.slots
    _check_sizes(slots)
    values = _find_values(network, slots)
    edits: list[Edit] = []
    for node in network.nodes:
        touched = [tensor.name for tensor in (*node.inputs, *node.outputs) if tensor.name in slots]
        if not touched:
            continue
        if node.op in DIMENSIONS_ONLY:
            check_sizes(network, node, touched[0], slots[touched[0]], slots)
        elif node.op in PRODUCTS:
            product = Product(network, node)
            product.check(slots, values)
            edits += product.edits(slots, values)
        elif node.op in elementwise.ELEMENTWISE:
            edits += elementwise.edits(network, node, slots)
        else:
            edits += shapes.edits(network, node, slots)
    edits += [crop for entry in found.cropped for crop in _crop(*entry)]
    _check_gain(network, edits, slots)
    return edits


def _find_values(network: Network, slots: Mapping[str, Slot]) -> dict[str, npt.NDArray[np.float64]]:
    """What each entry that goes is wherever it is constant, by tensor; NaN where it varies."""
    values: dict[str, npt.NDArray[np.float64]] = {}
    for node in network.nodes:
        result = node.outputs[0].name
        if result not in slots:
            continue
        if node.op in PRODUCTS:
            values[result] = Product(network, node).value(values)
        elif node.op in elementwise.ELEMENTWISE:
            values[result] = elementwise.value(network, node, slots[result], values)
        else:
            values[result] = shapes.value(network, node, slots, values)
    return values


def _crop(node: Any, name: str, slot: Slot) -> Iterator[Crop]:
    for index, tensor in enumerate(node.inputs):
        if tensor.name == name:
            yield Crop(node.outputs[0].name, index, slot.axis, slot.kept)


def _check_sizes(slots: Mapping[str, Slot]) -> None:
    for name, slot in slots.items():
        if (slot.owners != NOBODY).all():
            raise RefusalError("the last neuron of a layer has to stay", name, slot.neurons[:1])


def _check_gain(network: Network, edits: Sequence[Edit], slots: Mapping[str, Slot]) -> None:
    """Rows have to go: taking columns alone means to copy what is read."""
    products = {node.outputs[0].name for node in network.nodes if node.op in PRODUCTS}
    if not any(isinstance(edit, Cut) and edit.operand == 1 and edit.node in products & slots.keys() for edit in edits):
        raise RefusalError("nothing that computes it can go")
