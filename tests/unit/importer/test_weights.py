"""Where weights are found, and that `write_back` reaches each of them and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.importer import count_clipped, import_model, write_back
from onnxaudit.intake import Model
from onnxaudit.intake.stored import list_stored
from tests.unit.importer.networks import make_model, wrap
from tests.unit.importer.quantized_networks import DYNAMIC, STATIC, Float, make_float, quantize
from tools.testbed.tiny_models import build

KINDS = [*list(STATIC)[::3], *list(DYNAMIC)[1:3]]


@pytest.fixture(scope="module")
def original() -> Float:
    return make_float()


def differing(before: Model, after: Model) -> set[str]:
    """Names of the stored tensors that differ; everything else has to be the same byte for byte."""
    old, new = before.to_proto(), after.to_proto()
    stored = dict(list_stored(old))
    changed = set()
    for name, tensor in list_stored(new):
        if tensor != stored[name]:
            changed.add(name)
            tensor.CopyFrom(stored[name])
    assert new.SerializeToString() == old.SerializeToString()
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_all_weights_of_a_quantized_classifier_are_parameters(kind: str, original: Float, tmp_path: Path) -> None:
    copied = import_model(quantize(original, kind, tmp_path))
    big = {"w1", "w2", "w3", "w4", "w5"}
    found = {name.removesuffix("_DequantizeLinear_Output").removesuffix("_quantized") for name in copied.weights}
    assert big <= found
    floats = {name: original.model.initializer(name) for name in big}
    for name, weight in copied.weights.items():
        short = name.removesuffix("_DequantizeLinear_Output").removesuffix("_quantized")
        if short in big:
            # The quantizer may have transposed a matrix.
            value = weight.detach().numpy() if weight.shape == floats[short].shape else weight.detach().numpy().T
            error = np.abs(value - floats[short]).max()
            assert error < 0.02 * np.abs(floats[short]).max()


@pytest.mark.parametrize("kind", KINDS)
def test_untouched_weights_of_a_quantized_classifier_are_not_written(
    kind: str, original: Float, tmp_path: Path
) -> None:
    model = quantize(original, kind, tmp_path)
    copied = import_model(model)
    assert not write_back(model, copied).values
    assert not count_clipped(model, copied)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_weight_alone_is_written_and_read_again(kind: str, original: Float, tmp_path: Path) -> None:
    model = quantize(original, kind, tmp_path)
    copied = import_model(model)
    (name,) = [name for name in copied.weights if name.startswith("w4")]
    with torch.no_grad():
        copied.weights[name].mul_(-0.5)
    written = write_back(model, copied)
    (changed,) = differing(model, written)
    assert changed.startswith("w4")
    again = import_model(written).weights[name]
    assert (again - copied.weights[name]).abs().max() < 0.02 * again.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_weights_of_a_quantized_classifier(kind: str, original: Float, tmp_path: Path) -> None:
    copied = import_model(quantize(original, kind, tmp_path))
    names = [name for name in copied.weights if name.startswith("w")]
    copied.unfreeze(names)
    copied(torch.from_numpy(original.images[:8])).square().sum().backward()
    for name in names:
        grad = copied.weights[name].grad
        assert grad is not None
        assert grad.isfinite().all()
        assert grad.abs().max() > 0


def make_shared() -> Model:
    return make_model(
        """shared (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            w = DequantizeLinear(codes, scale)
            v = DequantizeLinear(codes, scale)
            m = MatMul(f, w)
            y = MatMul(m, v)
        }""",
        {"codes": np.array([[1, 2], [3, 4]], np.int8), "scale": np.array(0.5, np.float32)},
    )


def test_whole_numbers_dequantized_twice_are_one_parameter() -> None:
    model = make_shared()
    copied = import_model(model)
    assert set(copied.weights) == {"w"}
    with torch.no_grad():
        copied.weights["w"].copy_(torch.eye(2))
    written = write_back(model, copied)
    assert differing(model, written) == {"codes"}
    x = torch.rand(1, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(import_model(written)(x), x.flatten(1))


def test_what_exceeds_the_whole_numbers_is_clipped_and_counted() -> None:
    model = make_shared()
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["w"][0] = torch.tensor([1000.0, -1000.0])
    assert count_clipped(model, copied) == {"w": 2}
    np.testing.assert_array_equal(write_back(model, copied).initializer("codes")[0], [127, -128])


def test_model_shows_and_takes_quantized_weights_as_floats() -> None:
    model = make_shared()
    np.testing.assert_array_equal(model.initializer("w"), [[0.5, 1.0], [1.5, 2.0]])
    changed = model.with_values({"w": np.array([[0, 1], [1.5, 2]], np.float32)})
    np.testing.assert_array_equal(changed.initializer("codes"), [[0, 2], [3, 4]])
    np.testing.assert_array_equal(changed.initializer("v"), [[0, 1], [1.5, 2]])


def make_branching() -> Model:
    def branch(name: str, value: float, *, constant: bool) -> onnx.GraphProto:
        weight = numpy_helper.from_array(np.full((2, 3), value, np.float32), "w")
        node = helper.make_node("MatMul", ["f", "w"], [name])
        nodes = [helper.make_node("Constant", [], ["w"], value=weight), node] if constant else [node]
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph(nodes, name, [], [output], [] if constant else [weight])

    proto = build(
        "outer (float[N, 1, 1, 2] x) => (float[N, 3] y) { f = Flatten(x)\n s = ReduceSum(x)\n c = Less(s, t) }"
    )
    proto.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "t"))
    branches: dict[str, Any] = {
        "then_branch": branch("a", 1.0, constant=False),
        "else_branch": branch("b", 2.0, constant=True),
    }
    proto.graph.node.append(helper.make_node("If", ["k"], ["y"], **branches))
    proto.graph.node.insert(3, helper.make_node("Squeeze", ["c"], ["k"]))
    return wrap(proto)


def test_weights_in_nested_graphs_are_parameters_and_written() -> None:
    model = make_branching()
    copied = import_model(model)
    assert {"w", "w'"} <= set(copied.weights)
    assert not write_back(model, copied).values
    with torch.no_grad():
        copied.weights["w'"].fill_(7.0)
    written = write_back(model, copied)
    assert differing(model, written) == {"w'"}
    x = torch.full((1, 1, 1, 2), 3.0)
    # Attributes stand in the order of their names: the prime is of the branch for truth.
    assert torch.equal(import_model(written)(x), torch.full((1, 3), 12.0))
    assert torch.allclose(import_model(written)(x / 10), torch.full((1, 3), 4.2))


def test_initializer_that_is_also_an_input_is_a_parameter() -> None:
    model = make_model(
        "g (float[N, 1, 1, 2] x, float[2, 2] w) => (float[N, 2] y) { f = Flatten(x)\n y = MatMul(f, w) }",
        {"w": np.eye(2, dtype=np.float32)},
    )
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["w"].mul_(3.0)
    assert differing(model, write_back(model, copied)) == {"w"}


def test_weight_behind_identity_and_cast_is_written_in_its_own_type() -> None:
    model = make_model(
        """g (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            i = Identity(w)
            c = Cast <to = 1> (i)
            y = MatMul(f, c)
        }""",
        {"w": np.eye(2, dtype=np.float16)},
    )
    copied = import_model(model)
    assert set(copied.weights) == {"w"}
    with torch.no_grad():
        copied.weights["w"].mul_(3.0)
    written = write_back(model, copied)
    assert differing(model, written) == {"w"}
    assert written.initializer("w").dtype == np.float16


def test_constants_that_the_importer_makes_itself_are_no_weights() -> None:
    model = make_model(
        """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
        g (float[N, 1, 1, 2] x) => (float[N, 2] y) { f = Flatten(x)\n y = own.scale(f) }
        <domain: "own", opset_import: ["" : 17]>
        scale (a) => (b) { s = Constant <value = float[2] {2.0, 3.0}> ()\n b = Mul(a, s) }""".replace(
            """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>\n""", ""
        )
    )
    assert not import_model(model).weights
