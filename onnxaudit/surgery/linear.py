"""Fully connected layers: Gemm, MatMul with its Add, 1x1 Conv on a 1x1 map, and sums of them. And convolutions.

The matrix of a layer is always seen as `(rows, columns)` = `(outputs, inputs)`, however the file stores it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.surgery.graph import Graph, Stored


@dataclass(frozen=True)
class Branch:
    """One product `scale · x · Wᵀ` in a layer.

    Attributes:
        input: the tensor `x`, named before any Identity or Dropout.
        weight: the initializer that holds `W`.
        rows_first: whether it is stored as `(outputs, inputs)`.
        scale: a constant factor (Gemm's alpha).
    """

    input: str
    weight: str
    rows_first: bool
    scale: float = 1.0

    def matrix(self, model: Model) -> npt.NDArray[Any]:
        """`W` as `(outputs, inputs)`, without `scale`; of a convolution an input is a place of its kernel."""
        stored = model.initializer(self.weight)
        return stored.reshape(len(stored), -1) if self.rows_first else stored.reshape(stored.shape[:2]).T

    def stored(self, matrix: npt.NDArray[Any], model: Model) -> npt.NDArray[Any]:
        """A `matrix` `(outputs, inputs)` in the order and shape of the initializer."""
        return np.ascontiguousarray(matrix if self.rows_first else matrix.T).reshape(
            model.initializer(self.weight).shape
        )


@dataclass(frozen=True)
class Linear:
    """A fully connected layer: the sum of its branches and biases.

    Attributes:
        nodes: names of the nodes that form it (the output tensor's where a node has none).
        branches: its products; several where parallel layers are added together.
        biases: its bias initializers, one value a row each.
        output: the tensor behind it.
        rows: outputs.
        shared: initializers that other nodes use too.
        obstacle: why it cannot be edited, or "".
    """

    nodes: tuple[str, ...]
    branches: tuple[Branch, ...]
    biases: tuple[str, ...]
    output: str
    rows: int
    shared: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def name(self) -> str:
        """For people: the node names of its products."""
        return " + ".join(self.nodes[: len(self.branches)])

    def matrix(self, model: Model) -> npt.NDArray[Any]:
        """The matrix `(rows, columns)` of its branches side by side."""
        return np.concatenate([branch.matrix(model) for branch in self.branches], axis=1)

    def with_matrix(self, model: Model, matrix: npt.NDArray[Any]) -> Model:
        """`model` with this layer's matrix `(rows, columns)` replaced.

        Raises:
            ModelError: other nodes use the same weights.
        """
        widths = np.cumsum([branch.matrix(model).shape[1] for branch in self.branches])
        parts = np.split(matrix, widths[:-1], axis=1)
        values = {b.weight: b.stored(part, model) for b, part in zip(self.branches, parts, strict=True)}
        self.check_editable(values)
        return model.with_values(values)

    def check_editable(self, initializers: Any) -> None:
        """Raise ModelError if an edit of these initializers cannot be confined to this layer."""
        if self.obstacle:
            raise ModelError(f"layer {self.name!r} cannot be edited: {self.obstacle}; choose another with --layer")
        shared = sorted(set(initializers) & set(self.shared))
        if shared:
            raise ModelError(
                f"layer {self.name!r} shares {', '.join(map(repr, shared))} with other nodes, so that an edit would "
                "change them too; give each node its own copy, or choose another layer with --layer"
            )


def linear_layers(graph: Graph) -> list[Linear]:
    """Every fully connected layer, in topological order."""
    found: dict[str, Linear] = {}
    for node in graph.nodes:
        layer = _product(graph, node) or _sum(graph, node, found)
        if layer is not None:
            found[layer.output] = layer
    return [replace(layer, shared=_shared(graph, layer)) for layer in found.values()]


def convolutions(graph: Graph) -> list[Linear]:
    """Every other convolution through which everything passes on its way to the class scores, in topological order.

    Seen as layers whose outputs are channels. Grouped ones are left out.
    """
    found = [_convolution(graph, node) for node in graph.nodes if node.op == "Conv"]
    return [
        replace(layer, shared=_shared(graph, layer))
        for layer in found
        if layer is not None and not graph.reaches(graph.input, graph.logits, around=(layer.output,))
    ]


def _convolution(graph: Graph, node: Any) -> Linear | None:
    weight = graph.stored(node.inputs[1])
    if weight is None or weight.transposed or node.attrs.get("group", 1) != 1 or _is_dense(graph, node, weight):
        return None
    biases, obstacle = _bias(graph, node.inputs[2:], weight.shape[0])
    branch = Branch(graph.origin(node.inputs[0]).name, weight.name, rows_first=True)
    return Linear((node_name(node),), (branch,), biases, node.outputs[0].name, weight.shape[0], obstacle=obstacle)


def node_name(node: Any) -> str:
    """The node's name, or its first output's where it has none."""
    return str(node.name or node.outputs[0].name)


def _product(graph: Graph, node: Any) -> Linear | None:
    if node.op not in ("Gemm", "MatMul", "Conv") or node.domain not in (None, "", "ai.onnx"):
        return None
    weight = graph.stored(node.inputs[1])
    if weight is None or weight.name in graph.attributes or not _is_dense(graph, node, weight):
        return None
    rows_first = (node.op == "Conv" or bool(node.attrs.get("transB", 0))) != weight.transposed
    branch = Branch(graph.origin(node.inputs[0]).name, weight.name, rows_first, float(node.attrs.get("alpha", 1.0)))
    rows = weight.shape[0 if rows_first else 1]
    biases, obstacle = _bias(graph, node.inputs[2:], rows)
    return Linear((node_name(node),), (branch,), biases, node.outputs[0].name, rows, obstacle=obstacle)


def _is_dense(graph: Graph, node: Any, weight: Stored) -> bool:
    shape = graph.shape(node.inputs[0].name) if node.op != "Gemm" else None
    if node.op == "Gemm":
        return not node.attrs.get("transA", 0)
    if node.op == "MatMul":
        return len(weight.shape) == 2 and (shape is None or len(shape) == 2)
    one_by_one = len(weight.shape) > 2 and math.prod(weight.shape[2:]) == 1
    on_one_pixel = shape is not None and all(size == 1 for size in shape[2:])
    plain = node.attrs.get("group", 1) == 1 and not any(node.attrs.get("pads", ()))
    return one_by_one and on_one_pixel and plain and not weight.transposed


def _bias(graph: Graph, inputs: Any, rows: int) -> tuple[tuple[str, ...], str]:
    """The bias initializer of Gemm or Conv, if any, and why it cannot be edited."""
    if not inputs or not inputs[0].name:
        return (), ""
    bias = graph.stored(inputs[0])
    if bias is None:
        return (), f"its bias {inputs[0].name!r} is computed, not stored"
    if not _per_row(bias, rows):
        return (), f"its bias {bias.name!r} has shape {bias.shape}, not one value for each of {rows} outputs"
    return (bias.name,), ""


def _per_row(bias: Stored, rows: int) -> bool:
    return math.prod(bias.shape) == rows and bias.shape[-1] == rows


def _sum(graph: Graph, node: Any, found: dict[str, Linear]) -> Linear | None:
    """A layer with its bias added, or parallel layers added together; they are taken out of `found`."""
    if node.op not in ("Add", "Sum") or not node.inputs:
        return None
    sources = [graph.unrounded(tensor) for tensor in node.inputs]
    parts = [found[tensor.name] for tensor in sources if tensor.name in found and graph.feeds_only(tensor, node)]
    others = [graph.stored(tensor) for tensor in node.inputs if graph.unrounded(tensor).name not in found]
    if not parts or len(parts) + len(others) < len(node.inputs) or len({part.rows for part in parts}) > 1:
        return None
    biases = tuple(bias.name for bias in others if bias is not None and _per_row(bias, parts[0].rows))
    if len(biases) < len(others):
        return None
    for part in parts:
        del found[part.output]
    return Linear(
        nodes=tuple(name for part in parts for name in part.nodes[: len(part.branches)])
        + tuple(name for part in parts for name in part.nodes[len(part.branches) :])
        + (node_name(node),),
        branches=tuple(branch for part in parts for branch in part.branches),
        biases=tuple(name for part in parts for name in part.biases) + biases,
        output=node.outputs[0].name,
        rows=parts[0].rows,
        obstacle="; ".join(part.obstacle for part in parts if part.obstacle),
    )


def _shared(graph: Graph, layer: Linear) -> tuple[str, ...]:
    names = [branch.weight for branch in layer.branches] + list(layer.biases)
    own = set(layer.nodes)
    return tuple(name for name in names if any(node_name(user) not in own for user in graph.users(name)))
