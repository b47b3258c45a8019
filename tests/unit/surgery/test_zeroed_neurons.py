import numpy as np
import pytest
import torch

from onnxaudit.errors import ModelError
from onnxaudit.importer import import_model
from onnxaudit.intake import Model
from onnxaudit.records import NeuronAxis, Preprocessing
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import (
    find_next_layer,
    find_target_layer,
    incoming_weights,
    neuron_entries,
    tunable_weights,
    unshare,
    zero_neurons,
)
from tests.unit.importer.networks import make_model
from tests.unit.surgery.networks import (
    BODIES,
    DENSE,
    HEAD,
    dense,
    draw,
    images,
    logits,
    network,
)


@pytest.mark.parametrize("name", BODIES)
class TestEveryKindOfLayer:
    def test_zeroing_equals_masking_the_activations(self, name: str) -> None:
        model = network(name)
        layer = find_target_layer(model)
        activations = Runtime(model, Preprocessing()).activations(images(), [layer.activation])[layer.activation]
        pruned = np.argsort(-np.abs(activations).reshape(7, 5).mean(axis=0))[:2].tolist()
        activations[:, pruned] = 0
        masked = import_model(model).tail({layer.activation: torch.from_numpy(activations)}).detach().numpy()
        assert np.abs(logits(model) - masked).max() > 1e-3
        np.testing.assert_allclose(logits(zero_neurons(model, layer, pruned)), masked, atol=1e-5)

    def test_it_has_five_neurons_and_one_row_of_weights_each(self, name: str) -> None:
        model = network(name)
        layer = find_target_layer(model)
        assert layer.neurons == len(incoming_weights(model, layer)) == 5

    def test_zeroing_nothing_changes_nothing(self, name: str) -> None:
        model = network(name)
        assert not zero_neurons(model, find_target_layer(model), []).values

    def test_the_next_layer_is_found_and_can_be_rewritten(self, name: str) -> None:
        model = network(name)
        following = find_next_layer(model, find_target_layer(model))
        assert following is not None
        assert following.matrix(model).shape == (3, 5)
        doubled = following.with_matrix(model, 2 * following.matrix(model))
        np.testing.assert_array_equal(following.matrix(doubled), 2 * following.matrix(model))


@pytest.mark.parametrize(
    ("name", "activation"),
    [("gemm", "a"), ("swish in two nodes", "a"), ("batch norm behind", "a"), ("no activation", "h")],
)
def test_the_activation_is_the_tensor_behind_the_activation_node(name: str, activation: str) -> None:
    assert find_target_layer(network(name)).activation == activation


def test_the_inputs_of_the_only_layer_are_its_neurons() -> None:
    layer = find_target_layer(network("the classifier alone"))
    assert (layer.axis, layer.activation, layer.biases) == (NeuronAxis.INPUTS, "f", ("b2",))


def test_parallel_layers_are_one_layer() -> None:
    layer = find_target_layer(network("parallel layers added together"))
    assert layer.weights == ("w1", "w3")
    assert layer.biases == ("b1", "b3")
    assert (layer.name, layer.output) == ("left + right", "h")


def test_layers_inside_a_side_branch_are_passed_over() -> None:
    body = f"""{HEAD} {{
        c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)
        p = GlobalAveragePool(c)
        s = Conv(p, squeeze, sb)
        g = Sigmoid(s)
        scaled = Mul(c, g)
        flat = Flatten(scaled)
        [first] h = Gemm(flat, w1, b1)
        a = Relu(h)
        y = Gemm(a, w2, b2)
    }}"""
    shapes = {"k": (4, 1, 3, 3), "kb": (4,), "squeeze": (4, 4, 1, 1), "sb": (4,), "w1": (64, 5), "b1": (5,)}
    assert find_target_layer(make_model(body, draw(shapes | {"w2": (5, 3), "b2": (3,)}))).name == "first"


@pytest.mark.parametrize("name", ["second", "y", "w2", "b2"])
def test_a_layer_can_be_named_by_node_tensor_or_weight(name: str) -> None:
    layer = find_target_layer(dense(), name)
    assert (layer.name, layer.axis, layer.activation) == ("second", NeuronAxis.INPUTS, "a")


def test_an_unknown_layer_names_the_candidates() -> None:
    with pytest.raises(ModelError, match=r"no layer that can be pruned is called 'conv9'.*'first', 'second'"):
        find_target_layer(dense(), "conv9")


def test_a_network_without_fully_connected_layers_is_refused() -> None:
    body = f"""{HEAD} {{
        c = Conv (x, k, kb)
        p = ReduceMean <axes = [2, 3], keepdims = 0> (c)
        y = Identity(p)
    }}"""
    with pytest.raises(ModelError, match="no fully connected layer stands between"):
        find_target_layer(make_model(body, draw({"k": (3, 1, 3, 3), "kb": (3,)})))


def test_only_rows_of_the_chosen_neurons_change() -> None:
    model = dense()
    zeroed = zero_neurons(model, find_target_layer(model), [2])
    assert set(zeroed.values) == {"w1", "b1"}
    for name in ("w1", "b1"):
        expected = model.initializer(name).copy()
        expected[..., 2] = 0
        np.testing.assert_array_equal(zeroed.initializer(name), expected)


def test_a_constant_that_zeroing_leaves_is_cut_off_in_the_next_layer() -> None:
    model = network("sigmoid")
    zeroed = zero_neurons(model, find_target_layer(model), [2])
    assert not zeroed.initializer("w2")[2].any()
    np.testing.assert_array_equal(zeroed.initializer("w2")[:2], model.initializer("w2")[:2])


def test_a_constant_that_nothing_can_take_up_is_refused() -> None:
    model = dense(DENSE.replace("a = Relu(h)", "s = Sigmoid(h)  a = Softmax(s)"))
    with pytest.raises(ModelError, match=r"neuron 1 .* keeps a constant activation"):
        zero_neurons(model, find_target_layer(model), [1])


def test_weights_shared_with_another_node_are_refused() -> None:
    square = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float32)
    body = DENSE.replace("h = Gemm (flat, w1, b1)", "h = Gemm (flat, w1)").replace(
        "a = Relu(h)", "r = Relu(h)  q = Gemm(r, w1)  a = Relu(q)"
    )
    model = dense(body, w1=square, w2=square[:, :3])
    with pytest.raises(ModelError, match="shares 'w1' with other nodes"):
        zero_neurons(model, find_target_layer(model), [1])


def test_a_shared_bias_of_zeros_does_no_harm() -> None:
    body = DENSE.replace("a = Relu(h)", "r = Relu(h)  q = Gemm(r, w3, b1)  a = Relu(q)")
    square = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    model = dense(body, b1=np.zeros(5, np.float32), w3=square)
    assert not zero_neurons(model, find_target_layer(model), [1]).initializer("w1")[:, 1].any()


def test_a_computed_bias_is_refused() -> None:
    model = dense(DENSE.replace("[first]", "b = Exp(b1) [first]").replace("w1, b1)", "w1, b)"))
    with pytest.raises(ModelError, match="bias 'b' is computed"):
        zero_neurons(model, find_target_layer(model), [1])


def test_entries_of_an_input_are_a_column() -> None:
    model = network("the classifier alone")
    entries = neuron_entries(model, find_target_layer(model), [4])
    assert set(entries) == {"w2"}
    np.testing.assert_array_equal(np.argwhere(entries["w2"]), [[0, 4], [1, 4], [2, 4]])


def test_statistics_and_pixel_normalization_are_not_tunable() -> None:
    body = DENSE.replace("flat = Flatten(x)", "n = Sub(x, offset) flat = Flatten(n)").replace(
        "a = Relu(h)", "q = BatchNormalization(h, scale, shift, mean, var) a = Relu(q)"
    )
    values = draw(dict.fromkeys(("scale", "shift", "mean", "var"), (5,)) | {"offset": (1, 1, 4, 4)})
    assert tunable_weights(dense(body, **values)) == ("w1", "b1", "scale", "shift", "w2", "b2")


def shared_twice() -> Model:
    """Three layers, of which the first two read the same matrix."""
    square = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float32)
    body = DENSE.replace("a = Relu(h)", "r = Relu(h)  [middle] q = Gemm(r, w1, b1)  a = Relu(q)")
    bias = np.random.default_rng(1).standard_normal(16).astype(np.float32)
    return dense(body, w1=square, b1=bias, w2=square[:, :3])


def test_a_layer_gets_its_own_copy_of_shared_weights_and_the_others_keep_theirs() -> None:
    model = shared_twice()
    own = unshare(model, find_target_layer(model))
    np.testing.assert_array_equal(logits(own), logits(model))
    layer = find_target_layer(own)
    zeroed = zero_neurons(own, layer, [1])
    assert not zeroed.initializer(layer.weights[0])[:, 1].any()
    following = find_next_layer(zeroed, layer)
    assert following is not None
    np.testing.assert_array_equal(following.matrix(zeroed).T, model.initializer("w1"))
    following.with_matrix(zeroed, 0 * following.matrix(zeroed))  # may be edited as well


def test_a_model_whose_layers_share_nothing_stays_the_very_same() -> None:
    model = dense()
    assert unshare(model, find_target_layer(model)) is model
