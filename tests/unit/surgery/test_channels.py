import numpy as np
import pytest
import torch

from onnxaudit.errors import ModelError
from onnxaudit.importer import import_model
from onnxaudit.records import NeuronAxis, Preprocessing
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import (
    find_next_layer,
    find_target_layer,
    incoming_weights,
    list_target_layers,
    remove_neurons,
    zero_neurons,
)
from tests.unit.importer.networks import make_model
from tests.unit.surgery.networks import (
    CHANNELS,
    HEAD,
    TAIL,
    channels,
    draw,
    images,
    logits,
)


@pytest.mark.parametrize("name", CHANNELS)
class TestChannels:
    def test_zeroing_equals_masking_their_maps(self, name: str) -> None:
        model = channels(name)
        layer = find_target_layer(model, "conv")
        maps = Runtime(model, Preprocessing()).activations(images(), [layer.activation])[layer.activation]
        maps[:, [1, 4]] = 0
        masked = import_model(model).tail({layer.activation: torch.from_numpy(maps)}).detach().numpy()
        assert np.abs(logits(model) - masked).max() > 1e-3
        zeroed = zero_neurons(model, layer, [1, 4])
        np.testing.assert_allclose(logits(zeroed), masked, atol=1e-5)

    def test_removing_them_equals_zeroing_them(self, name: str) -> None:
        model = channels(name)
        layer = find_target_layer(model, "conv")
        zeroed = zero_neurons(model, layer, [1, 4])
        removed = remove_neurons(zeroed, layer, [1, 4])
        np.testing.assert_allclose(logits(removed.model), logits(zeroed), atol=1e-5)
        if name == "a residual behind":  # behind the sum the channel is alive again
            assert removed.neurons == ()
        else:
            assert removed.neurons == (1, 4)
            assert removed.model.initializer("k").shape == (4, 1, 3, 3)

    def test_each_is_ranked_by_its_kernel(self, name: str) -> None:
        model = channels(name)
        layer = find_target_layer(model, "k")
        np.testing.assert_array_equal(incoming_weights(model, layer), model.initializer("k").reshape(6, -1))
        assert (layer.name, layer.axis, find_next_layer(model, layer)) == ("conv", NeuronAxis.OUTPUTS, None)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("relu behind", ["first", "conv"]),
        ("another convolution behind", ["first", "later", "conv"]),
        ("a residual behind", ["first", "conv"]),
    ],
)
def test_the_layers_to_try_are_the_first_dense_one_and_the_convolutions_before_it(name: str, listed: list[str]) -> None:
    assert [layer.name for layer in list_target_layers(channels(name))] == listed


def test_a_constant_of_channels_that_nothing_silences_is_refused() -> None:
    body = CHANNELS["relu behind"].replace("Relu", "Sigmoid")
    shapes = {"k": (6, 1, 3, 3), "kb": (6,), "w1": (54, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    model = make_model(f"{HEAD} {{ {body}  {TAIL}  y = Gemm(a, w2, b2) }}", draw(shapes))
    with pytest.raises(ModelError, match=r"neuron 1 .* keeps a constant activation"):
        zero_neurons(model, find_target_layer(model, "conv"), [1])
