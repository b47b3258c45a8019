"""A model's graph as graphsurgeon reads it, with the questions that surgery asks of it."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import onnx
import onnx_graphsurgeon as gs
from onnx_graphsurgeon.logger import G_LOGGER

from onnxaudit.intake.classical import is_classical, name_logits
from onnxaudit.intake.model import Model

PASS_THROUGH = {"Identity", "Dropout"}  # the same values under another name, at inference
ROUNDING = {"QuantizeLinear", "DequantizeLinear"}
QUANTIZERS = {"QuantizeLinear", "DynamicQuantizeLinear"}
DIMENSIONS_ONLY = {"Shape", "Size"}  # read a tensor's dimensions: no value flows through them
SHAPE_ARITHMETIC = 1024  # initializers of more elements hold weights, never dimensions


@dataclass(frozen=True)
class Stored:
    """The initializer, or the tensor in a Constant node, that a tensor's values come from.

    Attributes:
        name: of the initializer, the output of the Constant node, or the float tensor that whole numbers stand for.
        shape: of the initializer as stored.
        transposed: whether the tensor is its 2-d transpose.
    """

    name: str
    shape: tuple[int, ...]
    transposed: bool


class Graph:
    """Nodes in topological order, and how tensors hang together."""

    def __init__(self, model: Model) -> None:
        with G_LOGGER.suppress(G_LOGGER.ERROR):  # it reports to stdout
            self._graph = _store_constants(gs.import_onnx(model.computed)).toposort()
        self._model = model
        self._tensors: dict[str, Any] = self._graph.tensors()
        self._outputs = {tensor.name for tensor in self._graph.outputs}
        self.input = model.info.input.name
        self.logits = model.info.output.logits

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Initializers of the working copy that the file holds in attributes of a node, where nothing can be edited."""
        if self._model.working is None:
            return frozenset()
        own = {tensor.name for tensor in self._model.proto.graph.initializer}
        nodes = [node for node in self._model.proto.graph.node if is_classical(node, "LinearClassifier")]
        logits = {name_logits(node) for node in nodes}
        readers = [node for node in self._model.working.graph.node if logits & {*node.output}]
        return frozenset(name for node in readers for name in node.input) - own

    @property
    def nodes(self) -> list[Any]:
        """Every node, each behind those that feed it."""
        return list(self._graph.nodes)

    def tensor(self, name: str) -> Any:
        """The tensor called `name`."""
        return self._tensors[name]

    def origin(self, tensor: Any) -> Any:
        """The tensor whose values `tensor` repeats: itself, or what stands before Identity and Dropout."""
        while tensor.inputs and tensor.inputs[0].op in PASS_THROUGH:
            tensor = tensor.inputs[0].inputs[0]
        return tensor

    def unrounded(self, tensor: Any) -> Any:
        """As `origin`, seen through a quantizer with the DequantizeLinear behind it as well."""
        tensor = self.origin(tensor)
        while tensor.inputs and tensor.inputs[0].op == "DequantizeLinear":
            codes = tensor.inputs[0].inputs[0]
            if not codes.inputs or codes.inputs[0].op not in QUANTIZERS:
                break
            tensor = self.origin(codes.inputs[0].inputs[0])
        return tensor

    def stored(self, tensor: Any) -> Stored | None:
        """The initializer behind `tensor`, perhaps through Identity, Cast and 2-d Transpose; else None.

        Of a weight stored as whole numbers it is the tensor that the first DequantizeLinear behind them makes.
        """
        transposed = False
        while not isinstance(tensor, gs.Constant):
            if not tensor.inputs:
                return None
            node = tensor.inputs[0]
            if node.op == "DequantizeLinear" and all(isinstance(part, gs.Constant) for part in node.inputs):
                codes = node.inputs[0]
                first = codes.outputs[0].outputs[0].name
                return Stored(first, tuple(int(size) for size in codes.shape), transposed)
            if node.op == "Transpose" and list(node.attrs.get("perm", [1, 0])) == [1, 0]:
                transposed = not transposed
            elif node.op not in PASS_THROUGH | {"Cast"}:
                return None
            tensor = node.inputs[0]
        return Stored(tensor.name, tuple(int(size) for size in tensor.shape), transposed)

    def feeds_only(self, tensor: Any, node: Any) -> bool:
        """Whether `node` alone reads `tensor`, seen through what repeats or rounds it."""
        readers = tensor.outputs
        if tensor.name in self._outputs or len(readers) != 1:
            return False
        if readers[0] is node:
            return True
        return readers[0].op in PASS_THROUGH | ROUNDING and self.feeds_only(readers[0].outputs[0], node)

    def users(self, initializer: str) -> list[Any]:
        """The nodes that use an initializer's values, seen through Identity, Cast, Transpose and DequantizeLinear."""
        tensor = self._tensors[initializer]
        waiting, users = [tensor.inputs[0].inputs[0] if tensor.inputs else tensor], []
        while waiting:
            for node in waiting.pop().outputs:
                if node.op in PASS_THROUGH | {"Cast", "Transpose", "DequantizeLinear"}:
                    waiting.append(node.outputs[0])
                else:
                    users.append(node)
        return users

    def reaches(self, start: str, goal: str, around: Collection[str] = ()) -> bool:
        """Whether values flow from tensor `start` to tensor `goal` on a path that avoids the tensors `around`."""
        waiting, seen = [start], set(around)
        while waiting:
            name = waiting.pop()
            if name == goal and name not in around:
                return True
            if name in seen or name not in self._tensors:
                continue
            seen.add(name)
            for node in self._tensors[name].outputs:
                if node.op not in DIMENSIONS_ONLY:
                    waiting.extend(out.name for out in node.outputs)
        return False

    def is_computed(self, tensor: Any) -> bool:
        """Whether a tensor's values depend on the model's input; its dimensions alone do not count."""
        return self.reaches(self.input, tensor.name)

    def is_output(self, name: str) -> bool:
        """Whether the graph gives a tensor out."""
        return name in self._outputs

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """The inferred shape of a tensor, None for each free dimension; None where nothing is known."""
        return self._shapes.get(name)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int | None, ...]]:
        inferred = onnx.shape_inference.infer_shapes(_without_weights(self._model.computed), data_prop=True).graph
        known = [*inferred.value_info, *inferred.input, *inferred.output]
        return {
            info.name: tuple(
                dim.dim_value if dim.HasField("dim_value") else None for dim in info.type.tensor_type.shape.dim
            )
            for info in known
            if info.type.tensor_type.HasField("shape")
        }


def _store_constants(graph: Any) -> Any:
    """The graph with tensors of Constant nodes stored like initializers: PaddlePaddle keeps all weights in such."""
    for node in list(graph.nodes):
        if node.op == "Constant" and "value" in node.attrs:
            (tensor,), values = node.outputs, node.attrs["value"].values
            node.outputs.clear()
            graph.nodes.remove(node)
            tensor.to_constant(values)
    return graph


def _without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with large initializers as inputs: shape inference copies the file, and has a limit of 2 GB."""
    bare = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import, functions=proto.functions)
    bare.graph.name = proto.graph.name
    bare.graph.node.extend(proto.graph.node)
    bare.graph.input.extend(proto.graph.input)
    bare.graph.output.extend(proto.graph.output)
    declared = {value.name for value in proto.graph.input}
    for tensor in proto.graph.initializer:
        if onnx.numpy_helper.to_array(tensor).size <= SHAPE_ARITHMETIC:
            bare.graph.initializer.append(tensor)
        elif tensor.name not in declared:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bare
