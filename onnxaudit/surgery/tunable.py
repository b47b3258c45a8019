"""Which initializers training may move."""

from typing import Any

from onnxaudit.intake.model import Model
from onnxaudit.records import TargetLayer
from onnxaudit.surgery.graph import Graph
from onnxaudit.surgery.linear import node_name

PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
NORMS = {"BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization"}


def tunable_weights(model: Model, first: TargetLayer | None = None) -> tuple[str, ...]:
    """Weights and biases of convolutions and linear layers, scales and shifts of normalizations, in graph order.

    With a `first` layer those of this layer and of what it feeds.
    Running statistics, the normalization of pixels, bounds and other constants are not among them.
    """
    graph = Graph(model)
    found: dict[str, None] = {}
    for node in graph.nodes:
        if first is not None and not _follows(graph, node, first):
            continue
        for tensor in _weights(graph, node):
            stored = graph.stored(tensor) if tensor.name else None
            if stored is not None:
                found[stored.name] = None
    return tuple(found)


def _follows(graph: Graph, node: Any, layer: TargetLayer) -> bool:
    return node_name(node) in layer.nodes or any(
        graph.reaches(layer.output, tensor.name) for tensor in node.inputs if tensor.name
    )


def _weights(graph: Graph, node: Any) -> list[Any]:
    if node.op in PRODUCTS:
        return list(node.inputs)
    if node.op in NORMS:
        return list(node.inputs[1:3])
    if node.op == "Add" and any(_is_product(graph.unrounded(tensor)) for tensor in node.inputs):
        return list(node.inputs)
    return []


def _is_product(tensor: Any) -> bool:
    return bool(tensor.inputs) and tensor.inputs[0].op in PRODUCTS
