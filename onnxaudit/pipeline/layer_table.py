"""The layers of a file: nodes with stored weights, and how much they multiply for one input."""

from collections.abc import Iterator, Mapping
from math import prod

import onnx
from onnx import helper, shape_inference

from onnxaudit.intake.stored import list_stored
from onnxaudit.records import LayerInfo
from onnxaudit.text import as_text

PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
RECURRENT = {"GRU", "LSTM", "RNN"}
UNFOLDED = {"ConvTranspose"}  # each input, not each output, meets every weight

Shapes = Mapping[str, tuple[int, ...]]  # of tensors, for a batch of one


def list_layers(proto: onnx.ModelProto, shapes: Shapes) -> Iterator[LayerInfo]:
    """Nodes of the outermost graph that multiply by stored weights."""
    weights = {name: tuple(tensor.dims) for name, tensor in list_stored(proto)}
    weights |= {
        node.output[0]: weights[node.input[0]]
        for node in proto.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights
    }
    for node in proto.graph.node:
        shape = max((weights[name] for name in node.input if name in weights), key=prod, default=())
        if node.op_type in RECURRENT and shape:  # each time step meets every weight; biases have one axis less
            matrices = sum(prod(weights[name]) for name in node.input if len(weights.get(name, ())) == len(shape))
            read = shapes.get(node.input[0])
            work = None if read is None else prod(read[:2]) * matrices
            yield LayerInfo(as_text(node.name or node.output[0]), node.op_type, shape, work)
        elif node.op_type in PRODUCTS and shape:
            yield LayerInfo(as_text(node.name or node.output[0]), node.op_type, shape, _count(node, shape, shapes))


def list_unsized(proto: onnx.ModelProto, shapes: Shapes) -> set[str]:
    """Tensors whose shapes layers are counted by, and that are not known."""
    nodes = [node for node in proto.graph.node if node.op_type in PRODUCTS | RECURRENT]
    return {name for node in nodes for name in (node.input[0], node.output[0])} - shapes.keys()


def infer_shapes(proto: onnx.ModelProto) -> Shapes:
    """Shapes of the tensors for a batch of one, where they are known."""
    try:
        typed = shape_inference.infer_shapes(_with_batch_of_one(proto), data_prop=True)
    except Exception:  # the checker's errors share no type; without shapes there is no estimate, which is told
        return {}
    values = [*typed.graph.input, *typed.graph.value_info, *typed.graph.output]
    found = {value.name: value.type.tensor_type.shape.dim for value in values}
    return {
        name: tuple(axis.dim_value for axis in shape)
        for name, shape in found.items()
        if shape and all(axis.HasField("dim_value") for axis in shape)
    }


def _with_batch_of_one(proto: onnx.ModelProto) -> onnx.ModelProto:
    fixed = onnx.ModelProto()
    fixed.CopyFrom(proto)
    stored = {tensor.name for tensor in proto.graph.initializer}
    del fixed.graph.value_info[:]
    for value in fixed.graph.input:
        axes = value.type.tensor_type.shape.dim
        if value.name not in stored and axes:
            axes[0].dim_value = 1
    for value in list(fixed.graph.output):
        kind = value.type.tensor_type.elem_type
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind, None))
    return fixed


def _count(node: onnx.NodeProto, weights: tuple[int, ...], shapes: Shapes) -> int | None:
    """Multiplications of one input: each value that the layer makes meets the weights of one output channel."""
    side = shapes.get(node.input[0] if node.op_type in UNFOLDED else node.output[0])
    if side is None:
        return None
    if "Conv" in node.op_type:
        return prod(side) * prod(weights) // weights[0]
    read = shapes.get(node.input[0])
    return prod(side) * (weights[-2] if read is None else read[-1])
