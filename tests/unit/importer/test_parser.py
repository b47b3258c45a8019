import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper, parser

from onnxaudit.errors import ModelError, UnsupportedOperatorError
from onnxaudit.importer import import_model
from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.parser import parse
from tests.unit.importer.networks import conv_model
from tools.testbed.tiny_models import build, with_opset


def compute(proto: onnx.ModelProto, **feeds: torch.Tensor) -> list[torch.Tensor]:
    graph = fold_constants(parse(proto))
    stored = {**graph.constants, **graph.weights}
    return make_plan(graph.steps, stored, list(feeds), graph.outputs).run(feeds.values())


def test_all_unknown_operators_are_named_at_once_with_their_nodes() -> None:
    proto = build("g (float[2] x) => (float[2] y) { a = Foo(x)\n b = Bar(a)\n y = Foo(b) }")
    proto.graph.node[0].name = "first"
    with pytest.raises(UnsupportedOperatorError, match=r"ai.onnx.Bar \(node b\); ai.onnx.Foo \(node first, y\)"):
        parse(proto)


def test_unknown_operators_in_nested_graphs_are_named() -> None:
    proto = build(
        """g (bool c, float[2] x) => (float[2] y) {
            y = If (c) <
                then_branch = t () => (float[2] a) { a = Foo(x) },
                else_branch = e () => (float[2] b) { b = Relu(x) }
            >
        }"""
    )
    with pytest.raises(UnsupportedOperatorError, match="Foo"):
        parse(proto)


def test_version_of_an_operator_follows_the_models_opset() -> None:
    proto = build("g (float[1, 2, 3] x) => (float[1, 2, 3] y) { y = Softmax <axis = 1> (x) }")
    x = torch.arange(6.0).reshape(1, 2, 3)
    assert torch.allclose(compute(with_opset(proto, 13), x=x)[0].sum(1), torch.ones(1, 3))
    assert torch.allclose(compute(with_opset(proto, 11), x=x)[0].sum((1, 2)), torch.ones(1))


def test_newer_opset_than_any_known_takes_the_newest_version() -> None:
    proto = build("g (float[2] x) => (float[2] y) { y = Softmax(x) }")
    proto.opset_import[0].version = 99
    assert torch.allclose(compute(proto, x=torch.zeros(2))[0], torch.tensor([0.5, 0.5]))


def test_constants_are_folded_and_static_inputs_bound() -> None:
    proto = build(
        """g (float[N, 4] x) => (float[2, M] y) {
            two = Constant <value_ints = [2]> ()
            rest = Constant <value_ints = [-1]> ()
            shape = Concat <axis = 0> (two, rest)
            y = Reshape(x, shape)
        }"""
    )
    graph = fold_constants(parse(proto))
    assert [dict(step.values) for step in graph.steps] == [{1: [2, -1]}]


def test_shape_of_a_weight_is_constant_but_the_weight_is_not() -> None:
    proto = build(
        "g (float[N] x) => (float[N] y) { s = Shape(w)\n z = ConstantOfShape(s)\n v = Add(z, w)\n y = Add(x, v) }"
    )
    proto.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "w"))
    graph = fold_constants(parse(proto))
    assert [step.outputs for step in graph.steps] == [("v",), ("y",)]
    assert set(graph.weights) == {"w"}


def test_nodes_out_of_order_are_sorted() -> None:
    proto = build("g (float[2] x) => (float[2] y) { a = Relu(x)\n y = Neg(a) }")
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    assert torch.equal(compute(proto, x=torch.tensor([1.0, -1.0]))[0], torch.tensor([-1.0, 0.0]))


def test_cycle_is_refused() -> None:
    proto = build("g (float[2] x) => (float[2] y) { y = Add(x, z)\n z = Relu(y) }")
    with pytest.raises(ModelError, match="cycle"):
        parse(proto)


def test_initializers_that_are_also_graph_inputs_are_not_fed() -> None:
    proto = build("g (float[2] x, float[2] w) => (float[2] y) { y = Mul(x, w) }")
    proto.graph.initializer.append(numpy_helper.from_array(np.full(2, 3, np.float32), "w"))
    assert parse(proto).inputs == ("x",)


def test_weights_in_constant_nodes_are_weights_and_single_numbers_are_not() -> None:
    proto = build("g (float[N, 2] x) => (float[N, 2] y) { p = Pow(x, e)\n y = Mul(p, w) }")
    for name, value in (("w", np.ones(2, np.float32)), ("e", np.array(2, np.float32))):
        node = helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        proto.graph.node.insert(0, node)
    assert set(parse(proto).weights) == {"w"}


def test_local_functions_are_inlined() -> None:
    proto = parser.parse_model(
        """<ir_version: 9, opset_import: ["" : 17, "local" : 1]>
        g (float[2] x) => (float[2] y) { y = local.twice(x) }
        <domain: "local", opset_import: ["" : 17]> twice (a) => (b) { b = Add(a, a) }"""
    )
    assert torch.equal(compute(proto, x=torch.ones(2))[0], torch.full((2,), 2.0))


def test_operators_that_the_spec_defines_by_others_are_expanded() -> None:
    proto = parser.parse_model(
        """<ir_version: 11, opset_import: ["" : 23]>
        g (float[1, 2, 3, 4] x) => (float[1, 2, 3, 4] y) { y = RotaryEmbedding(x, c, s, p) }"""
    )
    stored: dict[str, np.ndarray] = {
        "c": np.zeros((3, 2), np.float32),
        "s": np.ones((3, 2), np.float32),
        "p": np.arange(3, dtype=np.int64)[None],
    }
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in stored.items())
    x = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert torch.equal(compute(proto, x=x)[0], torch.cat([-x[..., 2:], x[..., :2]], -1))


def test_nested_graphs_read_outer_tensors_and_their_own_constants() -> None:
    proto = build(
        """g (float[2] x, bool c) => (float[2] y) {
            y = If (c) <
                then_branch = t () => (float[2] a) { k = Constant <value_float = 2.0> () a = Mul(x, k) },
                else_branch = e () => (float[2] b) { k = Constant <value_float = 3.0> () b = Mul(x, k) }
            >
        }"""
    )
    x = torch.ones(2)
    assert torch.equal(compute(proto, x=x, c=torch.tensor(True))[0], 2 * x)
    assert torch.equal(compute(proto, x=x, c=torch.tensor(False))[0], 3 * x)


def test_half_precision_is_computed_in_float32() -> None:
    proto = build("g (float[N, 2] x) => (float16[N, 2] y) { h = Cast <to = 10> (x)\n y = Mul(h, w) }")
    proto.graph.initializer.append(numpy_helper.from_array(np.full(2, 0.1, np.float16), "w"))
    (y,) = compute(proto, x=torch.ones(1, 2))
    assert y.dtype is torch.float32
    assert torch.allclose(y, torch.full((1, 2), float(np.float16(0.1))))


def test_failing_step_is_named() -> None:
    copied = import_model(conv_model())
    with pytest.raises(ModelError, match="Gemm"):
        copied.tail({"f": torch.zeros(1, 5)})
