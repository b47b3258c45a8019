"""Operators of onnxruntime's own domain against onnxruntime."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.parser import parse

GENERATOR = np.random.default_rng(7)


def draw(*shape: int) -> np.ndarray:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def scale(value: float) -> np.ndarray:
    return np.array(value, np.float32)


X = draw(2, 4)
CODES = GENERATOR.integers(0, 255, (4, 3)).astype(np.uint8)
ZERO = np.array(120, np.uint8)
CASES: dict[str, tuple[str, np.ndarray, list[np.ndarray | None], dict[str, Any]]] = {
    "FusedConv": ("FusedConv", draw(1, 2, 5, 5), [draw(3, 2, 3, 3), draw(3)], {"activation": "Relu"}),
    "FusedConv-leaky": (
        "FusedConv",
        draw(1, 2, 5, 5),
        [draw(3, 2, 3, 3), draw(3)],
        {"activation": "LeakyRelu", "activation_params": [0.3], "strides": [2, 2]},
    ),
    "FusedGemm": ("FusedGemm", X, [draw(3, 4), draw(3)], {"activation": "Relu", "transB": 1}),
    "FusedMatMul": ("FusedMatMul", X, [draw(3, 4)], {"alpha": 0.5, "transB": 1}),
    "FusedMatMul-batch-axes-of-a": ("FusedMatMul", draw(4, 2, 3, 5), [draw(2, 3, 5, 6)], {"transBatchA": 1}),
    "FusedMatMul-batch-axes-of-both": (
        "FusedMatMul",
        draw(5, 2, 3, 4),
        [draw(6, 2, 3, 5)],
        {"transBatchA": 1, "transBatchB": 1, "transA": 1, "transB": 1, "alpha": 0.5},
    ),
    "Gelu": ("Gelu", X, [], {}),
    "BiasGelu": ("BiasGelu", X, [draw(4)], {}),
    "FastGelu": ("FastGelu", X, [draw(4)], {}),
    "QuickGelu": ("QuickGelu", X, [], {"alpha": 1.5}),
    "SkipLayerNormalization": (
        "SkipLayerNormalization",
        draw(2, 3, 4),
        [draw(2, 3, 4), draw(4), draw(4), draw(4)],
        {"epsilon": 1e-3},
    ),
    "DynamicQuantizeMatMul": ("DynamicQuantizeMatMul", X, [CODES, scale(0.02), ZERO, draw(3)], {}),
}


def make_model(operator: str, x: np.ndarray, stored: list[np.ndarray | None], attributes: dict[str, Any]) -> Any:
    names = [f"i{number}" if value is not None else "" for number, value in enumerate(stored)]
    node = helper.make_node(operator, ["x", *names], ["y"], domain="com.microsoft", **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [onnx_output()],
        [numpy_helper.from_array(value, name) for value, name in zip(stored, names, strict=True) if value is not None],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def onnx_output() -> Any:
    return helper.make_tensor_value_info("y", TensorProto.FLOAT, None)


@pytest.mark.parametrize("name", CASES)
def test_operator_computes_what_onnxruntime_computes(name: str) -> None:
    operator, x, stored, attributes = CASES[name]
    model = make_model(operator, x, stored, attributes)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    graph = fold_constants(parse(model))
    plan = make_plan(graph.steps, {**graph.constants, **graph.weights}, ["x"], ["y"])
    (y,) = plan.run([torch.from_numpy(x)])
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4, atol=1e-5)
