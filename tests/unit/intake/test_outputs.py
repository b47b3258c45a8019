"""Which output classifies, and where its logits are."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.intake import Model, load_model, save_model
from onnxaudit.records import OutputKind, Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, linear_classifier, linear_weights, write

PLAIN = Preprocessing()


def classifier(ending: str, outputs: str, classes: int = 3, **stored: np.ndarray) -> onnx.ModelProto:
    body = f"""
    tiny (float[N, 1, 4, 4] x) => ({outputs}) {{ flat = Flatten(x) z = Gemm(flat, w, b) {ending} }}"""
    return build(body, {**linear_weights(16, classes), **stored})


def images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).random((count, 1, 4, 4), dtype=np.float32)


def scores_of(pixels: np.ndarray, classes: int = 3) -> np.ndarray:
    weights = linear_weights(16, classes)
    return pixels.reshape(len(pixels), -1) @ weights["w"] + weights["b"]


def check(model: Model, expected: np.ndarray) -> None:
    """The copy and onnxruntime agree on the logits, which are `expected`, and gradients flow."""
    runtime, copied = Runtime(model, PLAIN), import_model(model)
    assert check_parity(copied, model, runtime, seed=0) < 1e-4
    np.testing.assert_allclose(runtime.logits(images()), expected, atol=1e-5)
    np.testing.assert_array_equal(runtime.predict(images()).argmax(1), expected.argmax(1))
    pixels = torch.from_numpy(images()).requires_grad_(True)
    copied(pixels)[:, 0].sub(copied(pixels)[:, 1]).sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad != 0).any()


@pytest.mark.parametrize(
    ("ending", "outputs"),
    [
        ("y = ArgMax<axis=1, keepdims=0>(z)", "int64[N] y"),
        ("y = ArgMax<axis=-1>(z)", "int64[N, 1] y"),
        ("p = Softmax(z) a = ArgMax<axis=1, keepdims=0>(p) y = Cast<to=6>(a)", "int32[N] y"),
        ("p = Softmax(z) v, y = TopK(p, one)", "float[N, 1] v, int64[N, 1] y"),
        ("p = Softmax(z) v, y = TopK(p, two)", "float[N, 2] v, int64[N, 2] y"),
    ],
)
def test_a_label_leads_to_the_logits_that_it_is_chosen_from(tmp_path: Path, ending: str, outputs: str) -> None:
    stored: dict[str, Any] = {
        name: np.array([count]) for name, count in (("one", 1), ("two", 2)) if f", {name})" in ending
    }
    model = load_model(write(classifier(ending, outputs, **stored), tmp_path))
    assert (model.info.output.kind, model.info.output.classes) == (OutputKind.LABEL, 3)
    check(model, scores_of(images()))


def test_scores_are_taken_before_the_label_beside_them(tmp_path: Path) -> None:
    proto = classifier("p = Softmax(z) y = ArgMax<axis=1, keepdims=0>(z)", "int64[N] y, float[N, 3] p")
    output = load_model(write(proto, tmp_path)).info.output
    assert (output.name, output.logits, output.kind) == ("p", "z", OutputKind.PROBABILITIES)


def test_a_saturated_softmax_passes_gradients(tmp_path: Path) -> None:
    proto = classifier("big = Mul(z, k) y = Softmax(big)", "float[N, 3] y", k=np.array(1e4, np.float32))
    model = load_model(write(proto, tmp_path))
    assert set(Runtime(model, PLAIN).predict(images()).ravel()) == {0.0, 1.0}
    check(model, scores_of(images()) * np.float32(1e4))


def test_a_softmax_behind_a_tensor_of_unknown_shape_passes_gradients(tmp_path: Path) -> None:
    proto = classifier("big = Mul(z, k) c = Clip(big) y = Softmax(c)", "float[N, 3] y", k=np.array(1e4, np.float32))
    (unknown,) = [node for node in proto.graph.node if node.op_type == "Clip"]
    unknown.op_type, unknown.domain = "QuickGelu", "com.microsoft"
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model = load_model(write(proto, tmp_path))
    assert model.info.output.logits == "c"


def test_a_softmax_written_out_is_seen_through(tmp_path: Path) -> None:
    ending = "m = ReduceMax<axes=[1]>(z) d = Sub(z, m) e = Exp(d) s = ReduceSum(e, axis) y = Div(e, s)"
    model = load_model(write(classifier(ending, "float[N, 3] y", axis=np.array([1])), tmp_path))
    assert (model.info.output.kind, model.info.output.logits) == (OutputKind.PROBABILITIES, "d")


@pytest.mark.parametrize(
    ("ending", "outputs"),
    [
        ("y = Sigmoid(z)", "float[N, 1] y"),
        ("y = Identity(z)", "float[N, 1] y"),
        ("p = Sigmoid(z) y = Squeeze(p, axis)", "float[N] y"),
        ("s = Squeeze(z, axis) y = Sigmoid(s)", "float[N] y"),
    ],
)
def test_one_score_makes_two_classes(tmp_path: Path, ending: str, outputs: str) -> None:
    stored = {"axis": np.array([1])} if "axis" in ending else {}
    model = load_model(write(classifier(ending, outputs, classes=1, **stored), tmp_path))
    assert (model.info.output.classes, model.info.output.single) == (2, True)
    score = scores_of(images(), 1)
    check(model, np.concatenate([np.zeros_like(score), score], axis=1))


def test_maps_of_one_pixel_are_classes(tmp_path: Path) -> None:
    body = """
    tiny (float[N, 1, 4, 4] x) => (float[N, 3, 1, 1] y) { c = Conv(x, w, b) y = Softmax<axis=1>(c) }"""
    weights = linear_weights(16, 3)
    kernel = {"w": np.ascontiguousarray(weights["w"].T.reshape(3, 1, 4, 4)), "b": weights["b"]}
    model = load_model(write(build(body, kernel), tmp_path))
    assert (model.info.output.classes, model.info.output.source) == (3, "c")
    check(model, scores_of(images()))


def test_features_beside_the_classes_are_passed_over(tmp_path: Path) -> None:
    proto = classifier("y = Softmax(z)", "float[N, 16] flat, float[N, 3] y")
    assert load_model(write(proto, tmp_path)).info.output.name == "y"


def test_scores_and_their_softmax_are_one(tmp_path: Path) -> None:
    proto = classifier("y = Softmax(z)", "float[N, 3] z, float[N, 3] y")
    assert load_model(write(proto, tmp_path)).info.output.logits == "z"


def test_two_heads_are_a_question_to_the_user(tmp_path: Path) -> None:
    proto = classifier("u = Relu(z) v = Neg(z)", "float[N, 3] u, float[N, 3] v")
    with pytest.raises(ModelError, match=r"several outputs could be the classes: 'u' .*'v' .*--output NAME"):
        load_model(write(proto, tmp_path))
    assert load_model(write(proto, tmp_path), "v").info.output.name == "v"


def test_whole_numbers_that_are_no_choice_are_no_label(tmp_path: Path) -> None:
    proto = classifier("y = Cast<to=7>(z)", "int64[N, 3] y")
    with pytest.raises(ModelError, match=r"found 'y' \(int64 .*not a classifier"):
        load_model(write(proto, tmp_path))


def test_sizes_that_nobody_states_are_refused(tmp_path: Path) -> None:
    body = "tiny (float[N, 1, 4, 4] x, float[A, B] w) => (float[P, Q] y) { f = Flatten(x) y = MatMul(f, w) }"
    proto = build(body)
    del proto.graph.input[1:]
    proto.graph.node.insert(0, helper.make_node("NonZero", ["x"], ["n"]))
    proto.graph.node.insert(1, helper.make_node("Cast", ["n"], ["w"], to=TensorProto.FLOAT))
    with pytest.raises(ModelError, match="the number of classes is not fixed"):
        load_model(write(proto, tmp_path))


class TestUnsorted:
    def test_nodes_in_any_order_are_computed_and_written_as_they_were(self, tmp_path: Path) -> None:
        proto = linear_classifier(ending="p = Relu(z) y = Softmax(p)")
        nodes = list(proto.graph.node)[::-1]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
        path = write(proto, tmp_path)
        model = load_model(path)
        check(model, np.maximum(scores_of(images()), 0))
        assert model.to_bytes() == path.read_bytes()
        save_model(model.with_values({"b": np.ones(3, np.float32)}), tmp_path / "fixed.onnx")
        fixed = load_model(tmp_path / "fixed.onnx")
        assert [node.op_type for node in fixed.proto.graph.node] == ["Softmax", "Relu", "Gemm", "Flatten"]
        assert np.array_equal(numpy_helper.to_array(fixed.proto.graph.initializer[1]), np.ones(3))

    def test_a_cycle_is_refused(self, tmp_path: Path) -> None:
        proto = linear_classifier(ending="a = Add(z, c) c = Relu(a) y = Identity(c)")
        with pytest.raises(ModelError, match="cycle"):
            load_model(write(proto, tmp_path))
