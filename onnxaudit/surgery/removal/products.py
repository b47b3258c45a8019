"""Convolutions and fully connected layers: neurons begin at their rows and end at their columns."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_graphsurgeon as gs

from onnxaudit.surgery.removal.edits import AddToBias, Edit, SetGroups, cut_operand
from onnxaudit.surgery.removal.network import Array, Network, describe
from onnxaudit.surgery.removal.slots import NOBODY, RefusalError, Slot

PRODUCTS = {"Conv", "ConvTranspose", "FusedConv", "Gemm", "MatMul"}
Values = Mapping[str, npt.NDArray[np.float64]]


class Product:
    """One such node: its matrix, seen as rows (outputs) and columns (inputs), and what may go."""

    def __init__(self, network: Network, node: Any) -> None:
        if [tensor.name for tensor in network.varying(node)] != [node.inputs[0].name] or node.attrs.get("transA", 0):
            raise RefusalError(f"{describe(node)} multiplies two computed tensors", node.outputs[0].name)
        self.node = node
        self.weight: Array = network.read(node.inputs[1])
        first = node.op in ("Conv", "FusedConv") or bool(node.attrs.get("transB", 0))
        self.row_axis, self.column_axis = (0, 1) if first else (1, 0)
        self.groups = int(node.attrs.get("group", 1))
        if node.op in ("Gemm", "MatMul") and self.weight.ndim != 2:
            raise RefusalError(f"the weights of {describe(node)} are no matrix", node.outputs[0].name)
        if node.op == "ConvTranspose" and self.groups > 1:
            raise RefusalError(f"{describe(node)} is a grouped transposed convolution", node.outputs[0].name)
        self.bias: Array | None = None
        if len(node.inputs) > 2 and node.inputs[2].name:
            self.bias = network.read(node.inputs[2])

    @property
    def depthwise(self) -> bool:
        """Whether each group has one input."""
        return self.groups > 1 and self.weight.shape[1] == 1

    @property
    def rows(self) -> int:
        """Outputs."""
        return int(self.weight.shape[self.row_axis])

    def relate(self, network: Network, name: str, slot: Slot) -> dict[str, Slot]:
        """Only a depthwise convolution passes channels on."""
        axis = 1 if self.node.op != "MatMul" else len(network.shape(name)) - 1
        if slot.axis != axis:
            raise RefusalError(f"{describe(self.node)} takes it as a place, not as a channel", name)
        if not self.depthwise:
            return {}
        source, result, each = self.node.inputs[0].name, self.node.outputs[0].name, self.rows // self.groups
        if name == source:
            return {result: Slot(1, np.repeat(slot.owners, each))}
        blocks = slot.owners.reshape(self.groups, each)
        if (blocks != blocks[:, :1]).any():
            raise RefusalError(f"{describe(self.node)} makes several channels of one, and not all go", name)
        return {source: Slot(1, blocks[:, 0].copy())}

    def value(self, values: Values) -> npt.NDArray[np.float64]:
        """What each output is wherever it is constant `(rows,)`; NaN where it varies."""
        blank = np.zeros(self.rows) if self.bias is None else self.bias.astype(np.float64).reshape(-1)
        bias = np.broadcast_to(float(self.node.attrs.get("beta", 1.0)) * blank, (self.rows,))
        zero = ~np.moveaxis(self.weight, self.row_axis, 0).reshape(self.rows, -1).any(axis=1)
        if self.depthwise and self.node.inputs[0].name in values:
            zero = zero | (np.repeat(values[self.node.inputs[0].name], self.rows // self.groups) == 0)
        bent = self.node.op == "FusedConv"  # with an activation of its own
        return np.where(zero & ((bias == 0) | (not bent)), bias, np.nan)

    def check(self, slots: Mapping[str, Slot], values: Values) -> None:
        """Make sure that nothing varying is lost, and that groups stay equal.

        Raises:
            RefusalError: for the neurons for which that is not so.
        """
        source, result = self.node.inputs[0].name, self.node.outputs[0].name
        if self.groups > 1 and not self.depthwise:
            for name in {source, result} & slots.keys():
                self._check_groups(name, slots[name])
        if source not in slots or self.depthwise:
            return
        slot, used = slots[source], self._used_columns()
        lost = ~slot.kept & used & ~(values[source] == 0)
        folded = lost & ~np.isnan(values[source]) if self._takes_constants() else lost & False
        if (lost & ~folded).any():
            neurons = set(slot.owners[lost & ~folded].tolist())
            raise RefusalError(f"{describe(self.node)} reads it too, and uses it", source, neurons)

    def edits(self, slots: Mapping[str, Slot], values: Values) -> Iterator[Edit]:
        """Rows, bias, columns, and what the columns made of constants."""
        source, result = self.node.inputs[0].name, self.node.outputs[0].name
        if source in slots and not self.depthwise:
            constant = self._folded(slots[source], values[source])
            if constant.any():
                yield AddToBias(result, constant.astype(np.float32))
            kept = slots[source].kept
            split = kept.reshape(self.groups, -1) if self.groups > 1 else kept
            yield from cut_operand(self.node, 1, self.column_axis, split)
        if result in slots:
            kept = slots[result].kept
            yield from cut_operand(self.node, 1, self.row_axis, kept)
            if self.bias is not None and self.bias.ndim and self.bias.shape[-1] == len(kept):
                yield from cut_operand(self.node, 2, self.bias.ndim - 1, kept)
            if self.depthwise:
                yield SetGroups(result, int(slots[source].kept.sum()))

    def _check_groups(self, name: str, slot: Slot) -> None:
        blocks = slot.owners.reshape(self.groups, -1)
        least = int((blocks != NOBODY).sum(axis=1).min())
        surplus = {int(owner) for block in blocks for owner in block[block != NOBODY][least:]}
        if surplus:
            raise RefusalError(f"the groups of {describe(self.node)} would lose unequal numbers", name, surplus)

    def _used_columns(self) -> npt.NDArray[np.bool_]:
        """Which inputs have a weight that is not zero `(columns,)`."""
        if self.groups > 1:
            blocks = self.weight.reshape(self.groups, -1, *self.weight.shape[1:])
            return np.asarray((blocks != 0).any(axis=(1, *range(3, blocks.ndim))).reshape(-1))
        columns = np.moveaxis(self.weight, self.column_axis, 0)
        return np.asarray((columns.reshape(len(columns), -1) != 0).any(axis=1))

    def _takes_constants(self) -> bool:
        """Whether a constant input adds a constant to every place, which a bias can hold."""
        padded = any(self.node.attrs.get("pads", ())) or self.node.attrs.get("auto_pad", "NOTSET") not in (
            "NOTSET",
            "VALID",
        )
        operands = [tensor for tensor in self.node.inputs[1:] if tensor.name]
        if float(self.node.attrs.get("beta", 1.0)) == 0 or not all(
            isinstance(tensor, gs.Constant) for tensor in operands
        ):
            return False
        return self.node.op in ("Gemm", "MatMul") or (self.node.op == "Conv" and self.groups == 1 and not padded)

    def _folded(self, slot: Slot, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What the outgoing columns add to each row `(rows,)`."""
        if not self._takes_constants():
            return np.zeros(1)
        constants = np.where(slot.kept | np.isnan(values), 0.0, values)
        matrix = np.moveaxis(self.weight.astype(np.float64), self.row_axis, 0)
        scale = float(self.node.attrs.get("alpha", 1.0)) / float(self.node.attrs.get("beta", 1.0))
        return np.asarray(scale * (matrix.reshape(*matrix.shape[:2], -1).sum(axis=2) @ constants))
