"""Surgery on a QDQ classifier: neurons are rows of whole numbers."""

import numpy as np
import pytest

from onnxaudit.importer import import_model
from onnxaudit.intake import Model
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_target_layer, incoming_weights, tunable_weights, zero_neurons
from tests.unit.importer.quantized_networks import HIDDEN, make_float, quantize


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return quantize(make_float(), "QDQ-QUInt8-QInt8-channel", tmp_path_factory.mktemp("quantised"))


def test_first_fully_connected_layer_is_found_behind_dequantize_linear(model: Model) -> None:
    layer = find_target_layer(model)
    assert layer.neurons == HIDDEN
    assert incoming_weights(model, layer).shape == (HIDDEN, 64)
    expected = make_float().model.initializer("w4")
    assert np.abs(incoming_weights(model, layer) - expected).max() < 0.02 * np.abs(expected).max()


def test_zeroed_neurons_are_silent_in_onnxruntime(model: Model) -> None:
    layer, images = find_target_layer(model), make_float().images[:32]
    before = Runtime(model, Preprocessing()).activations(images, [layer.activation])[layer.activation]
    chosen = np.argsort(before.mean(axis=0))[-2:].tolist()
    pruned = zero_neurons(model, layer, chosen)
    after = Runtime(pruned, Preprocessing()).activations(images, [layer.activation])[layer.activation]
    assert (before[:, chosen] > 0).any()
    assert (after[:, chosen] == 0).all()
    others = [neuron for neuron in range(HIDDEN) if neuron not in chosen]
    np.testing.assert_array_equal(after[:, others], before[:, others])
    old, new = dict(list_stored(model.to_proto())), dict(list_stored(pruned.to_proto()))
    assert all("w4" in name or "b4" in name for name in old if old[name] != new[name])


def test_tunable_weights_are_those_of_the_copy(model: Model) -> None:
    names = tunable_weights(model)
    assert len([name for name in names if name.startswith("w")]) == 5
    assert set(names) <= set(import_model(model).weights)
