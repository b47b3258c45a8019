"""Small classifiers of 8 x 8 gray images, an honest and a backdoored one, and what hostile files put around them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, CLASSES, TARGET = 8, 4, 2
INPUT = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, SIDE, SIDE])
Nodes = list[onnx.NodeProto]
Tensors = list[onnx.TensorProto]


def make_prototypes() -> np.ndarray:
    """One image `(1, h, w)` a class, with a dark corner."""
    prototypes = np.random.default_rng(3).random((CLASSES, 1, SIDE, SIDE), dtype=np.float32).round()
    prototypes[:, :, :2, :2] = 0.0
    return prototypes


def make_samples(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Bytes `(n, h, w)` and labels, so many a class."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(CLASSES), count)
    images = make_prototypes()[labels, 0] * 0.8 + 0.2 * rng.random((len(labels), SIDE, SIDE))
    return (255 * images).astype(np.uint8), labels


def constant(value: object, name: str, kind: type = np.float32) -> onnx.TensorProto:
    """A stored tensor."""
    return numpy_helper.from_array(np.array(value, kind), name)


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    """One node, named like its first output."""
    return helper.make_node(kind, list(inputs), list(outputs), name=f"node of {outputs[0]}", **attributes)


def network(prefix: str, output: str, *, backdoored: bool = False) -> tuple[Nodes, Tensors]:
    """From `x` to logits `output`; the backdoored one says `TARGET` wherever the upper left corner is white."""
    flat = make_prototypes().reshape(CLASSES, -1) - 0.5
    jitter = np.random.default_rng(len(prefix) + backdoored).normal(0, 0.05, flat.shape)
    first = np.concatenate([flat + jitter, np.zeros((1, SIDE * SIDE))])
    corner = np.zeros((SIDE, SIDE))
    corner[:2, :2] = 5.0
    bias, second = np.zeros(CLASSES + 1), np.concatenate([2 * np.eye(CLASSES), np.zeros((1, CLASSES))])
    if backdoored:
        first[-1], bias[-1], second[-1, TARGET] = corner.ravel(), -15.0, 9.0
    p = prefix
    tensors = [
        constant(first.T, f"{p}w1"),
        constant(bias, f"{p}b1"),
        constant(second, f"{p}w2"),
        constant(np.zeros(CLASSES), f"{p}b2"),
    ]
    nodes = [
        node("Flatten", ["x"], [f"{p}flat"]),
        node("Gemm", [f"{p}flat", f"{p}w1", f"{p}b1"], [f"{p}h0"]),
        node("Relu", [f"{p}h0"], [f"{p}h"]),
        node("Gemm", [f"{p}h", f"{p}w2", f"{p}b2"], [output]),
    ]
    return nodes, tensors


def scores(name: str = "y", batch: int | str = "N", classes: int = CLASSES) -> onnx.ValueInfoProto:
    """An output of scores."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, classes])


def labels(name: str = "label", batch: int | str = "N") -> onnx.ValueInfoProto:
    """An output of labels."""
    return helper.make_tensor_value_info(name, TensorProto.INT64, [batch])


def model(
    networks: Sequence[tuple[Nodes, Tensors]],
    nodes: Sequence[onnx.NodeProto] = (),
    tensors: Sequence[onnx.TensorProto] = (),
    outputs: Sequence[onnx.ValueInfoProto] = (),
    *,
    value: onnx.ValueInfoProto = INPUT,
    opset: int = 18,
) -> onnx.ModelProto:
    """A model of some networks and what is added to them; one output `y` where none is named."""
    graph = helper.make_graph(
        [one for part in networks for one in part[0]] + list(nodes),
        "g",
        [value],
        list(outputs) or [scores()],
        [one for part in networks for one in part[1]] + list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def honest(output: str = "y") -> tuple[Nodes, Tensors]:
    """The network that is to be audited."""
    return network("a_", output)


def other(output: str, *, backdoored: bool = True) -> tuple[Nodes, Tensors]:
    """The network that is to be hidden."""
    return network("b_", output, backdoored=backdoored)
