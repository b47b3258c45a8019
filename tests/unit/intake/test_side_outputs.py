"""What a model computes beside its classes does not stand in the way."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxaudit.errors import ModelError, UnsupportedOperatorError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.intake import load_model
from onnxaudit.intake.side_outputs import drop_side_outputs
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, linear_weights, write

NAMES = """
tagger (float[n, 1, 4, 4] image) => (float[n, 3] scores, int64[n] label, string[n] name) {
    pixels = Flatten(image)
    logits = Gemm(pixels, w, b)
    scores = Softmax(logits)
    label = ArgMax<axis = 1, keepdims = 0>(logits)
    name = Gather(names, label)
}"""
UNKNOWN = """
reader (float[n, 1, 4, 4] image) => (float[n, 3] scores) {
    read = DecodeJpeg(image)
    pixels = Flatten(read)
    scores = Gemm(pixels, w, b)
}"""
LOST = "net/normalization/Sub/y:0"


def make_tagger() -> onnx.ModelProto:
    """A classifier that also gives the name of the class."""
    return build(NAMES, linear_weights(16, 3) | {"names": np.array(["stop", "give way", "priority"], object)})


def test_names_of_classes_do_not_stand_in_the_way(tmp_path: Path) -> None:
    model = load_model(write(make_tagger(), tmp_path), "scores")
    copied = import_model(model)
    check_parity(copied, model, Runtime(model, Preprocessing(low=0.0, high=1.0)), seed=0)
    assert [*copied.weights] == ["w", "b"]


def test_constants_of_text_are_left_out_too() -> None:
    model = make_tagger()
    text = onnx.helper.make_node("Constant", [], ["names"], value_strings=["stop", "give way", "priority"])
    del model.graph.initializer[-1]
    model.graph.node.insert(0, text)
    kept = drop_side_outputs(model, "logits").graph
    assert [node.op_type for node in kept.node] == ["Flatten", "Gemm"]


def test_a_model_that_can_be_computed_stays_whole() -> None:
    model = make_tagger()
    del model.graph.node[-1], model.graph.initializer[-1], model.graph.output[-1]
    assert drop_side_outputs(model, "logits") is model


def test_operators_that_an_exporter_left_over_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"ai\.onnx\.DecodeJpeg is no operator of ONNX"):
        import_model(load_model(write(build(UNKNOWN, linear_weights(16, 3)), tmp_path)))


def test_a_constant_that_became_an_input_is_named_as_such(tmp_path: Path) -> None:
    model = build(UNKNOWN, linear_weights(16, 3))
    model.graph.node[0].op_type = "Sub"
    model.graph.node[0].input.append(LOST)
    model.graph.input.append(onnx.helper.make_tensor_value_info(LOST, 1, (1, 1, 1, 1)))
    with pytest.raises(ModelError, match=f"'{LOST}' looks like a constant that the exporter lost"):
        load_model(write(model, tmp_path))
