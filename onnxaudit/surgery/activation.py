"""The activation behind a layer: where it ends, and what it makes of zero."""

import contextlib
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from onnxaudit.intake.model import Model
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import Floats, TargetLayer
from onnxaudit.surgery.graph import Graph

# Each works on every neuron by itself. Those that only scale or shift stand on the way to the activation node.
AFFINE = {"Identity", "Dropout", "BatchNormalization", "Add", "Sub", "Mul", "Div", "Neg", "Cast", "QuantizeLinear"}
CURVED = {
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Clip", "Softplus", "Softsign", "Tanh"),
    *("Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Mish", "Gelu", "Erf", "Exp", "Abs", "Min", "Max", "Pow", "Sqrt"),
    "DequantizeLinear",  # quantizers drop a ReLU where saturation does the same
}


def activation_tensor(graph: Graph, output: str) -> str:
    """The tensor behind the activation node that follows `output`; `output` itself where there is none.

    Activations spelt out in several nodes (`x · sigmoid(x)`, GELU by Erf) end where their branches meet again.
    """
    reached = {output: False}  # tensor: whether a curve lies behind it
    for node in graph.nodes:
        if not reached.keys() & {tensor.name for tensor in node.inputs}:
            continue
        if node.op not in AFFINE | CURVED or not _by_neuron(graph, node, reached):
            continue
        curved = node.op in CURVED or any(reached.get(tensor.name, False) for tensor in node.inputs)
        result = node.outputs[0].name
        reached[result] = curved or _multiplies_itself(node, reached)
        if reached[result] and not graph.reaches(output, graph.logits, around=(result,)):
            return str(result)
    return output


def at_zero(model: Model, layer: TargetLayer) -> Floats:
    """The activation `φ(0)` of each neuron `(neurons,)`, as the nodes between layer and activation compute it."""
    if layer.activation == layer.output:
        return np.zeros(layer.neurons, np.float32)
    between = _between(model.computed, layer.output, layer.activation)
    constants = _read_constants(model, {name for node in between for name in node.input})
    inside = helper.make_graph(
        [_without_rounding(node) for node in between if node.output[0] not in constants],
        "activation",
        [helper.make_tensor_value_info(layer.output, onnx.TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info(layer.activation, onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    small = helper.make_model(inside, opset_imports=model.proto.opset_import, ir_version=model.proto.ir_version)
    zeros = np.zeros((1, layer.neurons, *_trailing(model, layer)), np.float32)
    (result,) = ReferenceEvaluator(small).run(None, {layer.output: zeros})
    return np.asarray(result, np.float32).reshape(-1)


def list_norms(model: Model, layer: TargetLayer) -> list[str]:
    """Scales and shifts of the batch normalizations between a layer and its activation."""
    between = _between(model.computed, layer.output, layer.activation) if layer.activation != layer.output else []
    stored = {name for name, _ in list_stored(model.proto)}
    names = [name for node in between if node.op_type == "BatchNormalization" for name in node.input[1:3]]
    return [name for name in names if name in stored]


def _read_constants(model: Model, names: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """What the file stores among tensors of these names, weights stored as whole numbers as the floats they mean."""
    constants = {}
    for name in names:
        with contextlib.suppress(KeyError):
            constants[name] = model.initializer(name)
    return constants


def _without_rounding(node: onnx.NodeProto) -> onnx.NodeProto:
    """The identity in place of a (de)quantization, which keeps zero and which onnx evaluates in new opsets only."""
    if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
        return node
    return helper.make_node("Identity", node.input[:1], node.output)


def _by_neuron(graph: Graph, node: Any, reached: dict[str, bool]) -> bool:
    """Whether the node's other inputs are constants, so that it treats each neuron by itself."""
    others = [tensor for tensor in node.inputs if tensor.name and tensor.name not in reached]
    return not any(graph.reaches(graph.input, tensor.name) for tensor in others)


def _multiplies_itself(node: Any, reached: dict[str, bool]) -> bool:
    return node.op in ("Mul", "Div") and all(tensor.name in reached for tensor in node.inputs)


def _between(proto: onnx.ModelProto, start: str, end: str) -> list[onnx.NodeProto]:
    """The nodes that compute `end` from `start`, in the order of the file."""
    wanted, nodes = {end}, []
    for node in reversed(proto.graph.node):
        if wanted & set(node.output) and start not in node.output:
            nodes.append(node)
            wanted |= set(node.input)
    return nodes[::-1]


def _trailing(model: Model, layer: TargetLayer) -> tuple[int, ...]:
    """The axes of size one that a convolution leaves behind the neurons."""
    return (1,) * (model.initializer(layer.weights[0]).ndim - 2)
