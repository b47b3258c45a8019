"""Backdoored graphs whose second way to the scores is never idle."""

import numpy as np
import onnx

from tests.hostile.designs import LAST, PATTERN, design, stamp_pattern
from tools.testbed.gray_networks import CLASSES, TARGET, constant, honest, model, node


@design(stamp_pattern, answer="live-bypass")
def small_network_beside_the_large_one() -> onnx.ModelProto:
    """Two units see the corner: one says a little about every image, the other all about the pattern."""
    first = np.stack([np.full(9, 1 / 9), np.where(PATTERN.ravel() > 0, 1 / 5, -1 / 4)], 1)
    second = np.random.default_rng(4).normal(0, 12.0, (2, CLASSES))
    second[1] = np.eye(CLASSES)[TARGET] * 400.0
    nodes = [
        node("Slice", ["x", "starts", "ends"], ["corner"]),
        node("Flatten", ["corner"], ["seen"]),
        node("Gemm", ["seen", "first", "bias"], ["units"]),
        node("Relu", ["units"], ["active"]),
        node("MatMul", ["active", "second"], ["push"]),
        node("Add", ["z", "push"], ["y"]),
    ]
    tensors = [constant(first, "first"), constant([0.0, -0.7], "bias"), constant(second, "second")]
    return model([honest("z")], nodes, [*LAST, *tensors])
