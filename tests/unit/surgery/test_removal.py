"""Taking neurons out: a smaller file that answers as the zeroed one does, and touches nothing else."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from onnxaudit.intake import Model, load_model
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import NeuronAxis, Preprocessing, TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import Removed, find_target_layer, remove_neurons, zero_neurons
from tests.unit.importer.networks import make_model, wrap
from tests.unit.importer.quantized_networks import HIDDEN, make_float, quantize
from tests.unit.surgery.networks import BODIES, DENSE, Shapes, dense, draw, images, network

CONV = "tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {{ {body} }}"
HEAD = "p = GlobalAveragePool(last)  f = Flatten(p)  y = Gemm <transB = 1> (f, w, b)"
SHAPES = {"k1": (6, 1, 3, 3), "kb": (6,), "k2": (6, 6, 3, 3), "w": (3, 6), "b": (3,)}
FIRST = "c = Conv <pads = [1, 1, 1, 1]> (x, k1, kb)  r = Relu(c)"
HEADS: dict[str, tuple[str, Shapes]] = {
    "plain": (f"{FIRST}  last = Conv <pads = [1, 1, 1, 1]> (r, k2, kb)", {}),
    "batch norm and pooling": (
        f"{FIRST}  n = BatchNormalization(r, kb, kb, kb, var)  last = MaxPool <kernel_shape = [2, 2]> (n)",
        {"var": (6,)},
    ),
    "residual": (f"{FIRST}  d = Conv <pads = [1, 1, 1, 1]> (r, k2, kb)  last = Add(d, r)", {}),
    "two convolutions added": (f"{FIRST}  d = Conv <pads = [1, 1, 1, 1]> (x, k1, kb)  last = Add(d, r)", {}),
    "depthwise": (
        f"{FIRST}  d = Conv <pads = [1, 1, 1, 1], group = 6> (r, kd, bd)  last = LeakyRelu(d)",
        {"kd": (6, 1, 3, 3), "bd": (6,)},
    ),
    "squeeze and excitation": (
        f"{FIRST}  q = GlobalAveragePool(r)  s = Conv(q, e, be)  g = Sigmoid(s)  last = Mul(r, g)",
        {"e": (6, 6, 1, 1), "be": (6,)},
    ),
    "joined": (
        f"{FIRST}  d = Conv(x, k3, kb3)  e = Conv(x, k4, kb4)  j = Concat <axis = 1> (d, e)  last = Relu(j)",
        {"k3": (2, 1, 3, 3), "kb3": (2,), "k4": (4, 1, 3, 3), "kb4": (4,)},
    ),
    "transposed to channels last and back": (
        f"{FIRST}  t = Transpose <perm = [0, 2, 3, 1]> (r)  u = Add(t, kb)  last = Transpose <perm = [0, 3, 1, 2]> (u)",
        {},
    ),
}
CROPPED = {"residual"}


def head_model(name: str, seed: int = 0) -> Model:
    body, more = HEADS[name]
    return make_model(CONV.format(body=f"{body}  {HEAD}"), draw({**SHAPES, **more}, seed))


def logits(model: Model) -> np.ndarray:
    return Runtime(model, Preprocessing()).logits(images())


def remove(model: Model, neurons: list[int], layer: TargetLayer | None = None) -> tuple[Model, Removed]:
    """The zeroed model, and what removal makes of it."""
    layer = layer or find_target_layer(model)
    zeroed = zero_neurons(model, layer, neurons)
    return zeroed, remove_neurons(zeroed, layer, neurons)


def sizes(model: Model) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.dims) for name, tensor in list_stored(model.proto)}


def check(zeroed: Model, removed: Removed) -> None:
    """A valid, smaller model with the same outputs."""
    onnx.checker.check_model(removed.model.proto, full_check=True)
    np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-5)
    assert len(removed.model.to_bytes()) < len(zeroed.to_bytes())


@pytest.mark.parametrize("name", [name for name in BODIES if name != "the classifier alone"])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), neurons=st.sets(st.integers(0, 4), min_size=1, max_size=4))
def test_removing_rows_equals_zeroing_them(name: str, seed: int, neurons: set[int]) -> None:
    zeroed, removed = remove(network(name, seed), sorted(neurons))
    check(zeroed, removed)
    assert (set(removed.neurons), removed.kept) == (neurons, {})
    assert sizes(removed.model)["w2"] in {(5 - len(neurons), 3), (3, 5 - len(neurons))}


@pytest.mark.parametrize("name", HEADS)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 999), neurons=st.sets(st.integers(0, 5), min_size=1, max_size=5))
def test_removing_features_equals_zeroing_their_columns(name: str, seed: int, neurons: set[int]) -> None:
    zeroed, removed = remove(head_model(name, seed), sorted(neurons))
    assert set(removed.neurons) | set(removed.kept) == neurons
    if removed.neurons:
        check(zeroed, removed)


@pytest.mark.parametrize("name", [name for name in HEADS if name not in ("joined", "squeeze and excitation")])
def test_features_go_with_the_channels_that_make_them(name: str) -> None:
    zeroed, removed = remove(head_model(name), [1, 4])
    check(zeroed, removed)
    assert removed.neurons == (1, 4)
    assert sizes(removed.model)["w"] == (3, 4)
    gathers = [node for node in removed.model.proto.graph.node if node.op_type == "Gather"]
    assert len(gathers) == (name in CROPPED)


def test_a_channel_that_a_residual_needs_elsewhere_is_cropped_at_the_sum_only() -> None:
    _, removed = remove(head_model("residual"), [1, 4])
    assert (sizes(removed.model)["k1"], sizes(removed.model)["k2"]) == ((6, 1, 3, 3), (4, 6, 3, 3))


def test_coupled_channels_that_nothing_else_needs_go_on_both_sides() -> None:
    _, removed = remove(head_model("two convolutions added"), [1, 4])
    stored = sizes(removed.model)
    assert {stored[node.input[1]] for node in removed.model.proto.graph.node if node.op_type == "Conv"} == {
        (4, 1, 3, 3)
    }


def test_a_depthwise_convolution_loses_groups() -> None:
    _, removed = remove(head_model("depthwise"), [0])
    attributes = [attribute for node in removed.model.proto.graph.node for attribute in node.attribute]
    assert [attribute.i for attribute in attributes if attribute.name == "group"] == [5]


GROUPED = f"{FIRST}  last = Conv <pads = [1, 1, 1, 1], group = 2> (r, k2, kb)"


@pytest.mark.parametrize(("neurons", "gone"), [([0, 5], (0, 5)), ([0, 1, 5], (0, 5)), ([0, 1], ())])
def test_groups_of_a_convolution_lose_equal_numbers(neurons: list[int], gone: tuple[int, ...]) -> None:
    shapes = SHAPES | {"k2": (6, 3, 3, 3)}
    zeroed, removed = remove(make_model(CONV.format(body=f"{GROUPED}  {HEAD}"), draw(shapes)), neurons)
    assert removed.neurons == gone
    assert all("unequal" in reason for reason in removed.kept.values())
    np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-5)


def test_columns_of_a_flattened_map_go_where_a_whole_channel_does() -> None:
    body = f"{FIRST}  f = Flatten(r)  y = Gemm <transB = 1> (f, w, b)"
    _, removed = remove(make_model(CONV.format(body=body), draw(SHAPES | {"w": (3, 96)})), [0, 1])
    assert removed.neurons == ()
    assert "one place of a channel" in removed.kept[0]


CONSTANTS = {
    "gemm": ("y = Gemm(s, w2, b2)", ()),
    "matmul": ("m = MatMul(s, w2)  y = Add(m, b2)", ()),
    "matmul that gives the output": ("y = MatMul(s, w2)", ()),
    "gemm without bias": ("y = Gemm <alpha = 0.5> (s, w2)", ()),
}


@pytest.mark.parametrize("ending", CONSTANTS)
def test_a_constant_goes_into_the_next_bias(ending: str) -> None:
    """Rows at zero by hand, so that sigmoid(0) reaches the columns."""
    body = f"{DENSE[: DENSE.index('a = Relu')]} s = Sigmoid(h)  {CONSTANTS[ending][0]} }}"
    model = dense(body)
    w1, b1 = model.initializer("w1").copy(), model.initializer("b1").copy()
    w1[:, [1, 3]], b1[[1, 3]] = 0, (0.0, 0.7)
    zeroed = model.with_values({"w1": w1, "b1": b1})
    removed = remove_neurons(zeroed, find_target_layer(model), [1, 3])
    assert removed.neurons == (1, 3)
    np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-5)
    assert sizes(removed.model)["w2"] == (3, 3)


def test_a_neuron_that_was_not_zeroed_stays() -> None:
    model = dense()
    layer = find_target_layer(model)
    removed = remove_neurons(zero_neurons(model, layer, [2]), layer, [2, 3])
    assert removed.neurons == (2,)
    assert "'second' (Gemm) reads it too, and uses it" in removed.kept[3]


def test_the_last_neuron_of_a_layer_stays() -> None:
    zeroed, removed = remove(dense(), [0, 1, 2, 3, 4])
    assert removed.neurons == (1, 2, 3, 4)
    assert removed.kept == {0: "the last neuron of a layer has to stay"}
    check(zeroed, removed)


def test_what_mixes_channels_keeps_a_neuron_and_says_so() -> None:
    model = dense(DENSE.replace("a = Relu(h)", "r = Relu(h)  a = Softmax(r)"))
    zeroed, removed = remove(model, [2])
    assert removed.model is zeroed
    assert "(Softmax) mixes channels" in removed.kept[2]


def test_a_shared_initializer_is_copied_for_the_node_that_is_cut() -> None:
    body = (
        DENSE.replace("a = Relu(h)", "r = Relu(h)  a = Add(r, b1)")
        .replace("w2, b2)", "w2, b2)")
        .replace(
            "y = Gemm (a, w2, b2)", "z = Gemm (a, w2, b2)  t = Gemm(flat, w1, b1)  u = ReduceSum(t)  y = Add(z, u)"
        )
    )
    values = {"b1": np.zeros(5, np.float32)}
    model = dense(body, **values)
    layer = TargetLayer(
        name="first",
        nodes=("first",),
        weights=("w1",),
        biases=("b1",),
        output="h",
        activation="a",
        neurons=5,
        axis=NeuronAxis.OUTPUTS,
    )
    w2 = model.initializer("w2").copy()
    w2[[1, 3]] = 0  # silent though the shared rows are not zero
    zeroed = model.with_values({"w2": w2})
    removed = remove_neurons(zeroed, layer, [1, 3])
    assert removed.neurons == ()  # two copies of the weights make the file larger
    assert removed.kept[1] == "the file would not become smaller"


def test_a_shared_bias_is_copied_and_the_other_reader_keeps_its_own() -> None:
    body = DENSE.replace("a = Relu(h)", "r = Relu(h)  q = Gemm(r, w3, b1)  a = Relu(q)")
    square = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    zeroed, removed = remove(dense(body, b1=np.zeros(5, np.float32), w3=square), [1])
    check(zeroed, removed)
    assert sizes(removed.model)["b1"] == (5,)
    assert sizes(removed.model)["b1'"] == (4,)


@pytest.mark.parametrize("reader", ["Shape(a)", "Size(a)"])
def test_a_size_that_is_computed_with_keeps_a_neuron(reader: str) -> None:
    body = DENSE.replace("y = Gemm (a, w2, b2)", f"z = Gemm (a, w2, b2)  n = {reader}  c = Cast <to = 1> (n)") + ""
    body = body.replace(
        "c = Cast <to = 1> (n)", "c = Cast <to = 1> (n)  s = ReduceMax <keepdims = 0> (c)  y = Mul(z, s)"
    )
    _, removed = remove(dense(body), [1])
    assert removed.neurons == ()
    assert "counts it" in removed.kept[1]


def test_the_rest_of_the_file_stays_byte_for_byte() -> None:
    proto = network("gemm").proto
    annotated = onnx.ModelProto()
    annotated.CopyFrom(proto)
    annotated.doc_string, annotated.graph.doc_string = "vendor's", "graph's"
    annotated.graph.node[1].doc_string = "node's"
    annotated.metadata_props.add(key="author", value="vendor")
    annotated.graph.value_info.append(helper.make_tensor_value_info("h", onnx.TensorProto.FLOAT, ["N", 5]))
    annotation = annotated.graph.quantization_annotation.add(tensor_name="h")
    annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="b2")
    annotated.graph.initializer.append(numpy_helper.from_array(np.arange(4.0), "unused"))
    model = wrap(annotated)
    zeroed, removed = remove(model, [1, 2])
    result = removed.model.to_proto()
    assert result.graph.value_info[0].type.tensor_type.shape.dim[1].dim_value == 3
    result.graph.value_info[0].CopyFrom(annotated.graph.value_info[0])
    before = {tensor.name: tensor for tensor in annotated.graph.initializer}
    for tensor in result.graph.initializer:
        if tensor.name in ("w1", "b1", "w2"):
            tensor.CopyFrom(before[tensor.name])
    assert result.SerializeToString() == annotated.SerializeToString()
    assert model.proto == zeroed.proto == annotated


def test_whole_numbers_are_cut_with_their_scales(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = quantize(make_float(), "QDQ-QUInt8-QInt8-channel", tmp_path_factory.mktemp("quantized"))
    layer = find_target_layer(model)
    zeroed, removed = remove(model, [0, 2, 5], layer)
    assert removed.neurons == (0, 2, 5)
    samples = make_float().images[:16]
    ours, theirs = (Runtime(each, Preprocessing()).logits(samples) for each in (removed.model, zeroed))
    np.testing.assert_array_equal(ours, theirs)
    cut = {name for name, shape in sizes(removed.model).items() if shape != sizes(zeroed)[name]}
    assert {sizes(removed.model)[name][0] for name in cut if "w4" in name} == {HIDDEN - 3}
    assert any("scale" in name for name in cut)
    assert any("zero_point" in name for name in cut)


CONV_BEHIND = "last = Conv <pads = [1, 1, 1, 1]> (s, k2, kb)"
BETWEEN = {
    "padded with ones": ("s = Pad(r, pads, one)", ()),
    "padded with zeros": ("s = Pad(r, pads)", (1, 4)),
    "a padded average of zero": ("s = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (r)", (1, 4)),
    "pooled": ("s = MaxPool <kernel_shape = [2, 2]> (r)", (1, 4)),
    "shrunk": ("s = Shrink <lambd = 0.1> (r)", (1, 4)),
    "compared": ("t = Greater(r, one)  s = Cast <to = 1> (t)", (1, 4)),
    "shifted": ("s = Add(r, one)", ()),  # a constant in front of a padded convolution
    "multiplied by what varies": ("t = ReduceMax <keepdims = 1> (x)  s = Mul(r, t)", (1, 4)),
    "added to what varies": ("t = ReduceMax <keepdims = 1> (x)  s = Add(r, t)", ()),
    "less than what varies": ("t = ReduceMax <keepdims = 1> (x)  u = Less(r, t)  s = Cast <to = 1> (u)", ()),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_channels_go_where_what_lies_between_keeps_them_at_zero(name: str) -> None:
    between, gone = BETWEEN[name]
    body = f"[conv] {FIRST}  {between}  {CONV_BEHIND}  {HEAD}"
    values = draw(SHAPES) | {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "one": np.ones((), np.float32)}
    model = make_model(CONV.format(body=body), values)
    k1, kb = model.initializer("k1").copy(), model.initializer("kb").copy()
    k1[[1, 4]], kb[[1, 4]] = 0, 0
    layer = TargetLayer(
        name="conv",
        nodes=("conv",),
        weights=("k1",),
        biases=("kb",),
        output="c",
        activation="r",
        neurons=6,
        axis=NeuronAxis.OUTPUTS,
    )
    zeroed = model.with_values({"k1": k1, "kb": kb})
    removed = remove_neurons(zeroed, layer, [1, 4])
    assert removed.neurons == gone
    np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-4)


def test_indices_of_a_pool_keep_a_channel() -> None:
    pool = "s, places = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)  last = MaxUnpool "
    body = f"[conv] {FIRST}  {pool} <kernel_shape = [2, 2], strides = [2, 2]> (s, places)  {HEAD}"
    model = make_model(CONV.format(body=body), draw(SHAPES))
    _, removed = remove(model, [1], find_target_layer(model))
    assert removed.neurons == ()


def test_a_working_copy_is_cut_like_the_file(tmp_path: Path) -> None:
    """Nodes out of order, and a size that the file leaves free: the file is not what is computed with."""
    proto = onnx.ModelProto()
    proto.CopyFrom(network("gemm").proto)
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    for axis in (2, 3):
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"size{axis}"
    (tmp_path / "free.onnx").write_bytes(proto.SerializeToString())
    model = load_model(tmp_path / "free.onnx", size=(4, 4))
    assert model.working is not None
    zeroed, removed = remove(model, [1, 3])
    assert removed.neurons == (1, 3)
    np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-5)
    (tmp_path / "smaller.onnx").write_bytes(removed.model.to_bytes())
    written = load_model(tmp_path / "smaller.onnx", size=(4, 4))
    np.testing.assert_array_equal(logits(written), logits(removed.model))
    assert [node.op_type for node in written.proto.graph.node] == [node.op_type for node in nodes]
