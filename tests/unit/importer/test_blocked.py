"""Files in blocked layout, optimized on the machine that runs the test: they belong to one kind of processor."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from onnxaudit.importer import import_model
from onnxaudit.importer.ops.blocked import BLOCKED, restore_order
from onnxaudit.importer.parity import check_parity
from onnxaudit.intake import Model, load_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.some import some
from tools.testbed.tiny_models import build, write

BODY = """
blocked (float[N, 3, 12, 12] x) => (float[N, 5] y) {
    a = Conv <pads = [1, 1, 1, 1]> (x, few, b)
    r = Relu(a)
    p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
    d = Conv <group = 32, pads = [1, 1, 1, 1]> (p, depth, b)
    c = Clip(d, low, high)
    m = Conv (c, many, b)
    s = Add(m, p)
    t = Relu(s)
    u = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (t, , scales)
    q = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (u)
    g = GlobalAveragePool(q)
    o = Conv (g, odd)
    f = Flatten(o)
    y = Gemm(f, w)
}"""


@pytest.fixture
def optimized(tmp_path: Path) -> Model:
    rng = np.random.default_rng(3)
    shapes = {"few": (32, 3, 3, 3), "depth": (32, 1, 3, 3), "many": (32, 32, 1, 1), "odd": (20, 32, 1, 1)}
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {"w": rng.standard_normal((20, 5)).astype(np.float32), "b": rng.random(32).astype(np.float32)}
    weights |= {"low": np.array(0, np.float32), "high": np.array(6, np.float32)}
    weights["scales"] = np.array([1, 1, 2, 2], np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(write(build(BODY, weights), tmp_path), options, providers=["CPUExecutionProvider"])
    model = load_model(options.optimized_model_filepath)
    if all(node.domain != BLOCKED for node in model.proto.graph.node):
        pytest.skip("onnxruntime blocks no channels on this processor")
    return model


def test_blocked_graph_computes_what_onnxruntime_computes(optimized: Model) -> None:
    copied = import_model(optimized)
    kinds = {node.op_type for node in optimized.proto.graph.node if node.domain == BLOCKED}
    assert {"Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "Upsample"} <= kinds
    assert check_parity(copied, optimized, Runtime(optimized, Preprocessing()), seed=0) < 1e-4


def test_gradients_reach_weights_in_blocked_order(optimized: Model) -> None:
    copied = import_model(optimized)
    copied.unfreeze(copied.weights)
    copied(torch.rand(2, 3, 12, 12)).square().sum().backward()
    assert all(some(weight.grad).count_nonzero() for weight in copied.weights.values() if weight.ndim == 4)


def test_weights_that_are_not_in_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="optimized for another processor"):
        restore_order(torch.zeros(20, 3, 1, 1), 1)
