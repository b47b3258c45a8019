"""Half-precision files: which types they compute in, and the float32 twin of one that no runtime here can run.

onnxruntime's CPU provider computes no bfloat16. A bfloat16 file is therefore run as its upcast: the same graph with
float32 in place of bfloat16, stored values unchanged.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

TYPE_ATTRIBUTES = frozenset(("to", "dtype", "output_dtype", "output_datatype", "stash_type", "softmax_precision"))


def computes_in(proto: onnx.ModelProto, element: int) -> bool:
    """Whether the file stores, takes or casts to tensors of an ONNX element type."""
    return any(
        any(tensor.data_type == element for tensor in graph.initializer)
        or any(value.type.tensor_type.elem_type == element for value in _declared(graph))
        for graph in _graphs(proto)
    ) or any(_names(attribute, element) for node in walk_nodes(proto) for attribute in node.attribute)


def upcast(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with float32 in place of bfloat16; the very same where there is none."""
    if not computes_in(proto, TensorProto.BFLOAT16):
        return proto
    wide = onnx.ModelProto()
    wide.CopyFrom(proto)
    for graph in _graphs(wide):
        for tensor in graph.initializer:
            _widen(tensor)
        for value in _declared(graph):
            if value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
                value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in walk_nodes(wide):
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                _widen(attribute.t)
            elif _names(attribute, TensorProto.BFLOAT16):
                attribute.i = TensorProto.FLOAT
    return wide


def _widen(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == TensorProto.BFLOAT16:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))


def _names(attribute: onnx.AttributeProto, element: int) -> bool:
    """Whether an attribute names an element type or holds a tensor of it."""
    if attribute.type == AttributeProto.TENSOR:
        return bool(attribute.t.data_type == element)
    return attribute.name in TYPE_ATTRIBUTES and attribute.type == AttributeProto.INT and attribute.i == element


def _declared(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    yield from graph.input
    yield from graph.output
    yield from graph.value_info


def _graphs(proto: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    yield proto.graph
    for node in walk_nodes(proto):
        yield from (attribute.g for attribute in node.attribute if attribute.type == AttributeProto.GRAPH)


def walk_nodes(proto: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of nested graphs and of functions too."""
    yield from _walk(proto.graph.node)
    for function in proto.functions:
        yield from _walk(function.node)


def _walk(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _walk(attribute.g.node)
