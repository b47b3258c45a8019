"""Sizes that a graph reads off a tensor: they change when entries go, and must not reach what is computed."""

from collections.abc import Mapping
from typing import Any

from onnxaudit.surgery.removal.network import Network, describe
from onnxaudit.surgery.removal.slots import RefusalError, Slot


def check_sizes(network: Network, node: Any, name: str, slot: Slot, slots: Mapping[str, Slot]) -> None:
    """Make sure that nobody counts the entries of `name` by way of Shape.

    Raises:
        RefusalError: somebody does.
    """
    replaced = {
        reader.outputs[0].name
        for reader in network.nodes
        if reader.op == "Reshape" and reader.outputs[0].name in slots and not network.is_readable(reader.inputs[1])
    }
    if not _uncounted(network, node.outputs[0], slot.axis, replaced):
        raise RefusalError(f"{describe(node)} counts it, and a computed size depends on it", name)


def _uncounted(network: Network, dimensions: Any, axis: int, replaced: set[str]) -> bool:
    if network.graph.is_output(dimensions.name):
        return False
    for reader in dimensions.outputs:
        if not network.is_own(reader):
            return False
        if reader.outputs[0].name in replaced and reader.op == "Reshape":
            continue
        if reader.op in ("Gather", "Slice") and _leaves_out(network, reader, axis):
            continue
        if reader.op in ("Cast", "Concat", "Gather", "Squeeze", "Unsqueeze", "Slice", "Mul") and _uncounted(
            network, reader.outputs[0], axis, replaced
        ):
            continue
        return False
    return True


def _leaves_out(network: Network, reader: Any, axis: int) -> bool:
    """Whether a Gather or Slice of a list of sizes takes others than that of `axis`."""
    if reader.inputs[0].inputs and reader.inputs[0].inputs[0].op not in ("Shape", "Cast"):
        return False
    operands = [network.read(tensor).reshape(-1) for tensor in reader.inputs[1:] if network.is_stored(tensor)]
    if len(operands) != len(reader.inputs) - 1:
        return False
    if reader.op == "Gather":
        return axis not in operands[0]
    if "starts" in reader.attrs:
        start, end = int(reader.attrs["starts"][0]), int(reader.attrs["ends"][0])
    else:
        start, end = int(operands[0][0]), int(operands[1][0])
    return start >= 0 and end >= 0 and not start <= axis < end
