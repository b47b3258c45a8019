"""What honest graphs are made of, and the list of them."""

from collections.abc import Callable

import numpy as np
import onnx

from tools.testbed.gray_networks import CLASSES, SIDE, constant, honest, make_prototypes, model, node

Nodes = list[onnx.NodeProto]

Tensors = list[onnx.TensorProto]

HONEST: dict[str, Callable[[], onnx.ModelProto]] = {}

FLAT = SIDE * SIDE


def graph(make: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    """Keep what a function makes under the function's name."""
    HONEST[make.__name__] = make
    return make


def behind(nodes: Nodes, tensors: Tensors, seen: str = "seen") -> onnx.ModelProto:
    """The honest network behind nodes that make `seen` of `x`."""
    trunk, weights = honest("y")
    for one in trunk:
        one.input[:] = [seen if name == "x" else name for name in one.input]
    return model([(nodes + trunk, weights)], [], tensors)


def numbers(**values: float) -> Tensors:
    """Stored numbers by name."""
    return [constant(value, name) for name, value in values.items()]


def draw(*shape: int, scale: float = 0.3, seed: int = 0) -> np.ndarray:
    """Random weights."""
    return np.random.default_rng(seed).normal(0, scale, shape)


def with_features(nodes: Nodes, tensors: Tensors) -> onnx.ModelProto:
    """Convolutional features `f` of `x` (4 channels) that the nodes make `g` of, read out into scores."""
    first = [node("Conv", ["x", "k1"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["f"])]
    flat = make_prototypes().reshape(CLASSES, -1) - 0.5
    last = [node("Flatten", ["g"], ["flat"]), node("Gemm", ["flat", "w"], ["y"])]
    kernel = np.zeros((4, 1, 3, 3))
    kernel[:, 0, 1, 1] = (1.0, 0.8, 0.6, 0.4)
    weights = [constant(kernel, "k1"), constant(np.tile(flat.T, (4, 1)), "w")]
    return model([(first + nodes + last, weights)], [], tensors)
