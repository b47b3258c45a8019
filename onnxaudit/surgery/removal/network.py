"""What the rules of removal ask of a model: shapes, stored operands, attributes."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_graphsurgeon as gs
import torch

from onnxaudit.importer import import_model
from onnxaudit.intake.model import Model
from onnxaudit.surgery.graph import PASS_THROUGH, Graph
from onnxaudit.surgery.linear import node_name
from onnxaudit.surgery.removal.slots import RefusalError

BATCH = 2
Array = npt.NDArray[Any]


class Network:
    """A model's graph, with the values of what it stores."""

    def __init__(self, model: Model) -> None:
        self.graph = Graph(model)
        self.nodes = self.graph.nodes
        self.opset = model.info.opset
        self._model = model
        self._own = {id(node) for node in self.nodes}
        self._varying: dict[str, bool] = {}

    def is_own(self, node: Any) -> bool:
        """Whether a node stands in the main graph, not in one nested in it."""
        return id(node) in self._own

    def is_stored(self, tensor: Any) -> bool:
        """Whether a tensor's values do not depend on the image."""
        name = tensor.name
        if name not in self._varying:
            self._varying[name] = self.graph.reaches(self.graph.input, name)
        return not self._varying[name]

    def is_readable(self, tensor: Any) -> bool:
        """Whether `read` can tell a tensor's value."""
        try:
            self.read(tensor)
        except RefusalError:
            return False
        return True

    def varying(self, node: Any) -> list[Any]:
        """The inputs of a node that depend on the image."""
        return [tensor for tensor in node.inputs if tensor.name and not self.is_stored(tensor)]

    def shape(self, name: str) -> tuple[int, ...]:
        """Sizes of a tensor.

        Raises:
            RefusalError: nothing is known of it.
        """
        if name not in self._shapes:
            raise RefusalError(f"the shape of tensor {name!r} is not known", name)
        return self._shapes[name]

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every tensor that the copy computes, as it comes out for a small batch."""
        copied, spec = import_model(self._model), self._model.info.input
        names = [name for step in copied.graph.steps for name in step.outputs if name]
        inputs = torch.zeros(spec.shape(spec.batch or BATCH))
        with torch.no_grad():
            return {name: tuple(value.shape) for name, value in copied.values(inputs, names).items()}

    def read(self, tensor: Any) -> Array:
        """The value of a stored operand, seen through the nodes that an edit can follow.

        Raises:
            RefusalError: it is computed in another way.
        """
        if isinstance(tensor, gs.Constant):
            return self._model.initializer(tensor.name)
        node = tensor.inputs[0] if tensor.inputs else None
        if node is not None and node.op == "Constant":
            try:
                return self._model.initializer(tensor.name)
            except KeyError:
                return np.asarray(next(iter(node.attrs.values())))
        if node is not None and node.op == "DequantizeLinear" and not node.attrs.get("block_size", 0):
            return self._decode(node)
        if node is not None and node.op == "Transpose":
            value = self.read(node.inputs[0])
            return value.transpose(node.attrs.get("perm", range(value.ndim)[::-1]))
        if node is not None and node.op in PASS_THROUGH | {"Cast"}:
            return self.read(node.inputs[0])
        raise RefusalError(f"operand {tensor.name!r} is computed, not stored", tensor.name)

    def _decode(self, node: Any) -> Array:
        codes, scale, *zero = (self.read(tensor) for tensor in node.inputs if tensor.name)
        shape = quantized_shape(node, codes.ndim, scale.size)
        shift = zero[0].reshape(shape).astype(np.float32) if zero else np.float32(0)
        return np.asarray((codes.astype(np.float32) - shift) * scale.astype(np.float32).reshape(shape))


def quantized_shape(node: Any, ndim: int, scales: int) -> list[int]:
    """The shape in which the scales of a (de)quantization meet a tensor of `ndim` axes."""
    if scales == 1:
        return []
    axis = int(node.attrs.get("axis", 1)) % ndim
    return [-1 if index == axis else 1 for index in range(ndim)]


def describe(node: Any) -> str:
    """A node for people."""
    return f"node {node_name(node)!r} ({node.op})"
