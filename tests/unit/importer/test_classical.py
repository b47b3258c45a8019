"""Operators of ai.onnx.ml against onnxruntime, and classifiers that are written with them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from onnxaudit.errors import ModelError
from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.parser import parse
from onnxaudit.intake import load_model
from onnxaudit.records import OutputKind, Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, linear_weights, write

X = np.array([[1.5, -2.0, 0.5], [0.0, 0.0, 0.0], [3.0, np.nan, -1.0]], np.float32)
CASES: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
    "Scaler": ("Scaler", X, {"offset": [1.0, 2.0, 3.0], "scale": [0.5, 1.0, 2.0]}),
    "Scaler of all alike": ("Scaler", X, {"offset": [1.0], "scale": [0.5]}),
    "Scaler of whole numbers": ("Scaler", np.array([[1, 2, 3]]), {"offset": [1.0, 0.0, 0.0], "scale": [0.5, 1.0, 2.0]}),
    "Normalizer by the largest": ("Normalizer", X[:2] + np.float32(0.1), {"norm": "MAX"}),
    "Normalizer by the sum": ("Normalizer", X[:2], {"norm": "L1"}),
    "Normalizer by the length": ("Normalizer", X[:2], {"norm": "L2"}),
    "Imputer": ("Imputer", X, {"imputed_value_floats": [7.0, 8.0, 9.0], "replaced_value_float": float("nan")}),
    "Imputer of a number": ("Imputer", X[:2], {"imputed_value_floats": [7.0], "replaced_value_float": 0.0}),
}


def make_file(operator: str, x: np.ndarray, attributes: dict[str, Any]) -> onnx.ModelProto:
    node = helper.make_node(operator, ["x"], ["y"], domain="ai.onnx.ml", **attributes)
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    values = [helper.make_tensor_value_info(*one) for one in (("x", kind, x.shape), ("y", TensorProto.FLOAT, None))]
    graph = helper.make_graph([node], "one", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@pytest.mark.parametrize("name", CASES)
def test_operator_computes_what_onnxruntime_computes(name: str) -> None:
    operator, x, attributes = CASES[name]
    model = make_file(operator, x, attributes)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    graph = fold_constants(parse(model))
    (y,) = make_plan(graph.steps, graph.constants, ["x"], ["y"]).run([torch.from_numpy(x)])
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)


def make_named(*nodes: onnx.NodeProto, output: onnx.ValueInfoProto) -> onnx.ModelProto:
    """A linear network to `z`, and `nodes` behind it."""
    model = build("tiny (float[N, 4] x) => (float[N, 3] z) { z = Gemm(x, w, b) }", linear_weights(4, 3))
    model.graph.node.extend(nodes)
    model.graph.output[0].CopyFrom(output)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    return model


def test_a_label_that_is_given_by_name_leads_to_the_logits(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ArgMax", ["z"], ["index"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["index"], ["y"], domain="ai.onnx.ml", keys_int64s=[0, 1, 2], values_strings=["a", "b", "c"]
        ),
    ]
    model = make_named(*nodes, output=helper.make_tensor_value_info("y", TensorProto.STRING, ["N"]))
    output = load_model(write(model, tmp_path)).info.output
    assert (output.name, output.kind, output.logits, output.classes) == ("y", OutputKind.LABEL, "z", 3)


def test_a_norm_that_may_turn_the_order_round_is_not_seen_through(tmp_path: Path) -> None:
    nodes = [helper.make_node("Normalizer", ["z"], ["y"], domain="ai.onnx.ml", norm="MAX")]
    model = make_named(*nodes, output=helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3]))
    assert load_model(write(model, tmp_path)).info.output.logits == "y"


def test_a_linear_classifier_alone_is_read(tmp_path: Path) -> None:
    model = make_linear(np.arange(12.0) - 5, [0.5, 0.0, -0.5])
    loaded = load_model(write(model, tmp_path))
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    values = Runtime(loaded, Preprocessing()).run(x, [loaded.info.output.logits, "scores"])
    expected = x @ (np.arange(12.0) - 5).reshape(3, 4).T + [0.5, 0.0, -0.5]
    np.testing.assert_allclose(values[loaded.info.output.logits], expected, atol=1e-4)
    np.testing.assert_allclose(values["scores"], torch.from_numpy(expected).softmax(1), atol=1e-4)


def test_a_linear_classifier_of_one_row_for_two_classes_is_refused(tmp_path: Path) -> None:
    model = make_linear(np.arange(4.0), [0.5])
    with pytest.raises(ModelError, match="4 coefficients and 1 intercepts for 3 classes"):
        load_model(write(model, tmp_path))


def make_linear(coefficients: np.ndarray, intercepts: list[float]) -> onnx.ModelProto:
    node = helper.make_node(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=coefficients.tolist(),
        intercepts=intercepts,
        classlabels_ints=[0, 1, 2],
        post_transform="SOFTMAX",
    )
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3]),
    ]
    graph = helper.make_graph(
        [node],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        outputs,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9)
