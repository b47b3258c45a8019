import numpy as np
import pytest

from onnxaudit.errors import ModelError
from onnxaudit.mitigation.profiling import profile, rank
from onnxaudit.surgery import find_target_layer
from tests.unit.importer.networks import make_model
from tests.unit.mitigation import stripes


def test_planted_neurons_stand_out_by_activation_on_triggered_samples_only() -> None:
    model = stripes.backdoored()
    found = profile(
        stripes.runtime(model), model, find_target_layer(model), stripes.samples(), stripes.trigger()
    ).neurons
    for neuron in stripes.PLANTED:
        assert found[neuron].activation == pytest.approx(3.0, abs=1e-5)  # four bright pixels and the bias of -1
        assert found[neuron].clean_activation == 0.0
    ranks = [neuron.activation_rank for neuron in found]
    assert sorted(ranks) == list(range(1, stripes.NEURONS + 1))


def test_weights_are_row_norms_without_the_bias() -> None:
    model = stripes.backdoored()
    found = profile(
        stripes.runtime(model), model, find_target_layer(model), stripes.samples(), stripes.trigger()
    ).neurons
    np.testing.assert_allclose(
        [neuron.weight for neuron in found], np.linalg.norm(stripes.hidden_weights(), axis=1), rtol=1e-6
    )
    assert {found[neuron].weight_rank for neuron in stripes.PLANTED} == {1, 2}


def test_among_equals_the_lower_index_ranks_first() -> None:
    assert rank(np.array([1.0, 3.0, 1.0, 3.0])).tolist() == [3, 1, 4, 2]


def test_a_layer_applied_to_many_tokens_is_refused() -> None:
    body = """tiny (float[N, 1, 8, 8] x) => (float[N, 3] y) {
        t = Squeeze(x, axis)
        h = MatMul(t, w1)
        [head] m = ReduceMean <axes = [1], keepdims = 0> (h)
        y = MatMul(m, w2)
    }"""
    generator = np.random.default_rng(0)
    weights = {"w1": generator.standard_normal((8, 4)), "w2": generator.standard_normal((4, 3))}
    model = make_model(body, {k: v.astype(np.float32) for k, v in weights.items()} | {"axis": np.array([1])})
    layer = find_target_layer(model)
    assert layer.activation == "m"  # the product over tokens is passed over
    spread = type(layer)(**{**vars(layer), "activation": "h"})
    with pytest.raises(ModelError, match="not one activation for each of 4 neurons"):
        profile(stripes.runtime(model), model, spread, stripes.samples(), stripes.trigger())
