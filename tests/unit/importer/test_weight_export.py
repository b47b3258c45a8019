import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from onnxaudit.importer import import_model, write_back
from tests.unit.importer.networks import conv_model, conv_weights, wrap
from tools.testbed.tiny_models import build


def test_untouched_copy_writes_nothing() -> None:
    model = conv_model()
    assert not write_back(model, import_model(model)).values


def test_only_changed_weights_are_written() -> None:
    model = conv_model()
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["w2"][1].zero_()
    written = write_back(model, copied)
    assert set(written.values) == {"w2"}
    expected = conv_weights()["w2"]
    expected[1] = 0
    np.testing.assert_array_equal(written.initializer("w2"), expected)


def test_all_but_the_changed_weight_stays_byte_for_byte() -> None:
    model = conv_model()
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["b2"].add_(1.0)
    written = write_back(model, copied).to_proto()
    for stored in written.graph.initializer:
        if stored.name == "b2":
            stored.CopyFrom(next(tensor for tensor in model.proto.graph.initializer if tensor.name == "b2"))
    assert written.SerializeToString() == model.proto.SerializeToString()


def test_written_model_imports_to_the_same_logits() -> None:
    model, x = conv_model(), torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    copied = import_model(model)
    with torch.no_grad():
        for weight in copied.parameters():
            weight.mul_(1.1)
    assert torch.equal(import_model(write_back(model, copied))(x), copied(x))


def test_undoing_an_earlier_change_writes_the_vendors_value() -> None:
    model = conv_model()
    changed = model.with_values({"b2": np.zeros(3, np.float32)})
    written = write_back(changed, import_model(model))
    np.testing.assert_array_equal(written.initializer("b2"), conv_weights()["b2"])


def make_half_model(value: np.ndarray) -> onnx.ModelProto:
    proto = build(
        """half (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            h = Cast <to = 10> (f)
            m = Mul(h, w)
            y = Cast <to = 1> (m)
        }"""
    )
    proto.graph.initializer.append(numpy_helper.from_array(value, "w"))
    return proto


def test_half_precision_weights_are_rounded_to_what_the_file_stores() -> None:
    model = wrap(make_half_model(np.array([0.1, 2.0], np.float16)))
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["w"][1] += 1e-6
    assert not write_back(model, copied).values
    with torch.no_grad():
        copied.weights["w"][1] += 1
    written = write_back(model, copied).initializer("w")
    assert written.dtype == np.float16
    np.testing.assert_array_equal(written, np.array([0.1, 3.0], np.float16))


def test_weights_in_constant_nodes_are_written() -> None:
    proto = build("g (float[N, 1, 1, 2] x) => (float[N, 2] y) { f = Flatten(x)\n y = Mul(f, w) }")
    value = numpy_helper.from_array(np.ones(2, np.float32))
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=value))
    model = wrap(proto)
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["w"].fill_(5.0)
    written = write_back(model, copied)
    np.testing.assert_array_equal(written.initializer("w"), [5.0, 5.0])
    stored = numpy_helper.to_array(written.to_proto().graph.node[0].attribute[0].t)
    np.testing.assert_array_equal(stored, [5.0, 5.0])
    assert numpy_helper.to_array(model.proto.graph.node[0].attribute[0].t)[0] == 1.0


def make_quantized_model() -> onnx.ModelProto:
    return build(
        """quantized (float[N, 1, 1, 2] x) => (float[N, 3] y) {
            f = Flatten(x)
            w = DequantizeLinear <axis = 1> (codes, scale, zero)
            y = MatMul(f, w)
        }""",
        {
            "codes": np.array([[10, -20, 30], [-128, 0, 127]], np.int8),
            "scale": np.array([0.5, 0.1, 0.01], np.float32),
            "zero": np.array([1, 2, 3], np.int8),
        },
    )


def test_quantized_weights_are_reached_by_the_name_of_their_float_tensor() -> None:
    model = wrap(make_quantized_model())
    copied = import_model(model)
    assert set(copied.weights) == {"w"}
    assert not write_back(model, copied).values
    with torch.no_grad():
        copied.weights["w"][0, 1] = 0.0
        copied.weights["w"][1, 0] = -1000.0
        copied.weights["w"][0, 2] += 0.001
    written = write_back(model, copied)
    assert written.initializer("codes").dtype == np.int8
    np.testing.assert_array_equal(written.initializer("codes"), [[10, 2, 30], [-128, 0, 127]])


def test_large_codes_stay_exact_where_nothing_changed() -> None:
    proto = build(
        """quantized (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            b = DequantizeLinear(codes, scale)
            y = Add(f, b)
        }""",
        {"codes": np.array([2**30 + 1, 5], np.int32), "scale": np.array(1e-7, np.float32)},
    )
    model = wrap(proto)
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["b"][1] = 1e-6
    np.testing.assert_array_equal(write_back(model, copied).initializer("codes"), [2**30 + 1, 10])
