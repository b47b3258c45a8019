"""Quantized classifiers against onnxruntime, and single quantized operators."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import cosine_similarity

from onnxaudit.importer import TorchModel, check_parity, import_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.conformance.backend_suite import compute
from tests.unit.importer.quantized_networks import DYNAMIC, STATIC, Float, make_float, quantize


@pytest.fixture(scope="module")
def original() -> Float:
    return make_float()


def draw_towards_next_label(copied: TorchModel, original: Float) -> torch.Tensor:
    """Gradient of the next label's margin over the true one, by image."""
    x = torch.from_numpy(original.images[:64]).requires_grad_()
    labels = torch.from_numpy(original.labels[:64])[:, None]
    logits = copied(x)
    (logits.gather(1, (labels + 1) % logits.shape[1]) - logits.gather(1, labels)).sum().backward()
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("kind", [*STATIC, *DYNAMIC])
def test_quantized_classifier_is_what_onnxruntime_computes(kind: str, original: Float, tmp_path: Path) -> None:
    model = quantize(original, kind, tmp_path)
    copied, runtime = import_model(model), Runtime(model, Preprocessing())
    theirs = runtime.logits(original.images)
    with torch.no_grad():
        ours = copied(torch.from_numpy(original.images)).numpy()
    spread = np.sqrt(theirs.var(axis=0).mean())
    assert np.abs(ours - theirs).max() <= 0.1 * spread
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.99
    assert (theirs.argmax(axis=1) == original.labels).mean() > 0.8
    assert check_parity(copied, model, runtime, seed=0) <= 0.02


@pytest.mark.parametrize("kind", [*STATIC, *DYNAMIC])
def test_gradients_of_a_quantized_classifier_point_where_the_floats_point(
    kind: str, original: Float, tmp_path: Path
) -> None:
    copied = import_model(quantize(original, kind, tmp_path))
    ours = draw_towards_next_label(copied, original).flatten(1)
    theirs = draw_towards_next_label(import_model(original.model), original).flatten(1)
    assert ours.isfinite().all()
    assert (ours.abs().amax(dim=1) > 0).all()
    assert cosine_similarity(ours, theirs).mean() > 0.9


GENERATOR = np.random.default_rng(3)


def codes(*shape: int, kind: type = np.uint8) -> np.ndarray:
    limits = np.iinfo(kind)
    return GENERATOR.integers(limits.min, limits.max, shape, kind, endpoint=True)


def at(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def zero(value: int, kind: type = np.uint8) -> np.ndarray:
    return np.array(value, kind)


X, IN, OUT = codes(2, 4, 6, 6), (at(0.02), zero(120)), (at(0.03), zero(100))
WEIGHT, BY_CHANNEL = codes(3, 4, 3, 3, kind=np.int8), GENERATOR.uniform(0.001, 0.01, 3).astype(np.float32)
BIAS = GENERATOR.integers(-9999, 9999, 3, np.int32)
MATRIX, COLUMNS = codes(4, 3, kind=np.int8), GENERATOR.uniform(0.001, 0.01, 3).astype(np.float32)
OPERATORS: dict[str, tuple[str, str, list[Any], dict[str, Any]]] = {
    "QLinearConv": ("QLinearConv", "", [X, *IN, WEIGHT, at(0.01), zero(0, np.int8), *OUT, BIAS], {"pads": [1] * 4}),
    "QLinearConv-channel": ("QLinearConv", "", [X, *IN, WEIGHT, BY_CHANNEL, np.zeros(3, np.int8), *OUT], {}),
    "QLinearConv-last": (
        "QLinearConv",
        "com.microsoft",
        [X.transpose(0, 2, 3, 1).copy(), *IN, WEIGHT, at(0.01), zero(0, np.int8), *OUT, BIAS],
        {"channels_last": 1, "strides": [2, 2]},
    ),
    "QLinearMatMul": ("QLinearMatMul", "", [codes(5, 4), *IN, MATRIX, COLUMNS, np.zeros(3, np.int8), *OUT], {}),
    "QGemm": ("QGemm", "com.microsoft", [codes(5, 4), *IN, MATRIX, COLUMNS, np.zeros(3, np.int8), BIAS, *OUT], {}),
    "QGemm-float": ("QGemm", "com.microsoft", [codes(5, 4), *IN, MATRIX, at(0.01), zero(3, np.int8), BIAS], {}),
    "QLinearAdd": ("QLinearAdd", "com.microsoft", [X, *IN, codes(4, 1, 1), at(0.05), zero(7), *OUT], {}),
    "QLinearMul": ("QLinearMul", "com.microsoft", [X, *IN, codes(2, 4, 6, 6), at(0.05), zero(7), *OUT], {}),
    "QLinearSigmoid": ("QLinearSigmoid", "com.microsoft", [X, *IN, at(1 / 256), zero(0)], {}),
    "QLinearLeakyRelu": ("QLinearLeakyRelu", "com.microsoft", [X, *IN, *OUT], {"alpha": 0.2}),
    "QLinearSoftmax": ("QLinearSoftmax", "com.microsoft", [codes(2, 9), *IN, at(1 / 256), zero(0)], {"opset": 13}),
    "QLinearSoftmax-9": (
        "QLinearSoftmax",
        "com.microsoft",
        [codes(2, 3, 3), *IN, at(1 / 256), zero(0)],
        {"opset": 9, "axis": 1},
    ),
    "QLinearConcat": ("QLinearConcat", "com.microsoft", [*OUT, X, *IN, X, at(0.05), zero(7)], {"axis": 1}),
    "QLinearAveragePool": (
        "QLinearAveragePool",
        "com.microsoft",
        [X, *IN, *OUT],
        {"kernel_shape": [3, 3], "pads": [1, 0, 1, 0], "strides": [2, 1]},
    ),
    "QLinearGlobalAveragePool": ("QLinearGlobalAveragePool", "com.microsoft", [X, *IN, *OUT], {}),
    "QLinearWhere": (
        "QLinearWhere",
        "com.microsoft",
        [X > 99, X, *IN, codes(2, 4, 6, 6), at(0.05), zero(7), *OUT],
        {},
    ),
    "MatMulIntegerToFloat": (
        "MatMulIntegerToFloat",
        "com.microsoft",
        [codes(5, 4), MATRIX, at(0.02), COLUMNS, zero(120), np.zeros(3, np.int8)],
        {},
    ),
    "MatMulInteger": ("MatMulInteger", "", [codes(5, 4), MATRIX, zero(120), np.zeros(3, np.int8)], {}),
    "ConvInteger": ("ConvInteger", "", [X, WEIGHT, zero(120)], {"strides": [2, 2]}),
    "QuantizeLinear": (
        "QuantizeLinear",
        "com.microsoft",
        [GENERATOR.standard_normal((3, 4)).astype(np.float32), BY_CHANNEL, codes(3, kind=np.uint16)],
        {"axis": 0},
    ),
    "DequantizeLinear": (
        "DequantizeLinear",
        "com.microsoft",
        [codes(3, 4, kind=np.int16), BY_CHANNEL, np.zeros(3, np.int16)],
        {"axis": 0},
    ),
}


def make_one(operator: str, domain: str, inputs: list[Any], attributes: dict[str, Any]) -> onnx.ModelProto:
    names = [f"i{number}" for number in range(len(inputs))]
    node = helper.make_node(operator, names, ["y"], domain=domain, **attributes)
    stored = [numpy_helper.from_array(array, name) for array, name in zip(inputs, names, strict=True)]
    fed = next(index for index, array in enumerate(inputs) if array.ndim > 1)
    value = helper.make_tensor_value_info(names[fed], stored.pop(fed).data_type, inputs[fed].shape)
    graph = helper.make_graph([node], "one", [value], [onnx.ValueInfoProto(name="y")], stored)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@pytest.mark.parametrize("case", OPERATORS)
def test_quantized_operator_is_within_one_step_of_onnxruntime(case: str) -> None:
    model = make_one(*OPERATORS[case])
    feeds = {model.graph.input[0].name: next(array for array in OPERATORS[case][2] if array.ndim > 1)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, feeds)
    (ours,) = compute(model, feeds)
    difference = np.abs(ours.numpy().astype(np.float64) - theirs)
    step = 1.0 if theirs.dtype.kind in "iu" else 1e-4
    assert difference.max() <= step
    assert (difference > 0.5 * step).mean() < 0.02
    assert len(np.unique(theirs)) > 5


def make_lstm() -> onnx.ModelProto:
    hidden, features = 8, 6
    generator = np.random.default_rng(4)
    stored = {
        "w": generator.integers(-128, 127, (2, features, 4 * hidden), np.int8),
        "r": generator.integers(-128, 127, (2, hidden, 4 * hidden), np.int8),
        "b": (generator.standard_normal((2, 8 * hidden)) * 0.4).astype(np.float32),
        "ws": np.full(2, 0.004, np.float32),
        "wz": np.zeros(2, np.int8),
    }
    inputs = ["x", "w", "r", "b", "", "", "", "", "ws", "wz", "ws", "wz"]
    attributes: dict[str, Any] = {"hidden_size": hidden, "direction": "bidirectional", "domain": "com.microsoft"}
    node = helper.make_node("DynamicQuantizeLSTM", inputs, ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (5, 2, features))],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def test_dynamically_quantized_lstm_agrees_but_for_the_rounding_of_its_state() -> None:
    model = make_lstm()
    feeds = {"x": np.random.default_rng(5).standard_normal((5, 2, 6)).astype(np.float32)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, feeds)
    (ours,) = compute(model, feeds)
    assert np.abs(ours.numpy() - theirs).max() <= 0.05 * theirs.std()
