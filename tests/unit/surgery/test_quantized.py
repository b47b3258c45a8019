"""Surgery on quantized classifiers: neurons are rows of whole numbers, behind DequantizeLinear or inside operators."""

from collections.abc import Mapping

import numpy as np
import onnx
import pytest
import torch

from onnxaudit.importer import import_model, write_back
from onnxaudit.intake import Model
from onnxaudit.intake.stored import list_stored
from onnxaudit.mitigation.least_squares import LeastSquares
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import (
    find_next_layer,
    find_target_layer,
    incoming_weights,
    list_target_layers,
    remove_neurons,
    spell_out,
    tunable_weights,
    zero_neurons,
)
from tests.unit.importer.networks import wrap
from tests.unit.importer.quantized_networks import CLASSES, HIDDEN, make_float, quantize

KINDS = (
    "QDQ-QUInt8-QInt8-channel",
    "QOperator-QUInt8-QInt8-channel",
    "QOperator-QInt8-QInt8-tensor",
    "QOperator-QUInt8-QUInt8-tensor",
    "dynamic-QInt8-channel",
    "dynamic-QUInt8-tensor",
)
IMAGES = make_float().images[:32]


@pytest.fixture(scope="module", params=KINDS)
def vendors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return quantize(make_float(), request.param, tmp_path_factory.mktemp("quantized"))


@pytest.fixture(scope="module")
def model(vendors: Model) -> Model:
    return spell_out(vendors)


def logits(model: Model) -> np.ndarray:
    return Runtime(model, Preprocessing()).logits(IMAGES)


def read(model: Model, name: str) -> np.ndarray:
    return Runtime(model, Preprocessing()).activations(IMAGES, [name])[name]


def written(model: Model) -> Model:
    """The file that would be written, with the vendor's own operators."""
    return wrap(onnx.load_from_string(model.to_bytes()))


def changed(before: Model, after: Model) -> set[str]:
    old, new = dict(list_stored(before.to_proto())), dict(list_stored(after.to_proto()))
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}


def without(proto: onnx.ModelProto, names: set[str]) -> bytes:
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    for name, tensor in list_stored(bare):
        if name in names:
            tensor.Clear()
    return bare.SerializeToString(deterministic=True)


def test_spelt_out_operators_compute_the_same(vendors: Model, model: Model) -> None:
    np.testing.assert_allclose(logits(model), logits(vendors), atol=1e-4)
    assert not any(node.op_type.startswith(("QLinear", "QGemm")) for node in model.computed.graph.node)
    assert model.to_bytes() == vendors.to_bytes()


def test_first_fully_connected_layer_is_found(model: Model) -> None:
    layer = find_target_layer(model)
    assert layer.neurons == HIDDEN
    assert len(layer.biases) == 1
    assert incoming_weights(model, layer).shape == (HIDDEN, 64)
    expected = make_float().model.initializer("w4")
    assert np.abs(incoming_weights(model, layer) - expected).max() < 0.02 * np.abs(expected).max()


def test_zeroed_neurons_are_silent_and_the_others_as_before(model: Model) -> None:
    layer = find_target_layer(model)
    before = read(model, layer.activation)
    chosen = np.argsort(before.mean(axis=0))[-2:].tolist()
    after = read(zero_neurons(model, layer, chosen), layer.activation)
    assert (before[:, chosen] > 0).any()
    assert (after[:, chosen] == 0).all()
    others = [neuron for neuron in range(HIDDEN) if neuron not in chosen]
    np.testing.assert_array_equal(after[:, others], before[:, others])


def test_the_written_file_answers_as_if_the_neurons_were_silent(model: Model) -> None:
    """In onnxruntime by the vendor's own operators, and in the copy."""
    layer = find_target_layer(model)
    activations = read(model, layer.activation)
    chosen = np.argsort(activations.mean(axis=0))[-4:].tolist()
    activations[:, chosen] = 0
    with torch.no_grad():
        masked = import_model(model).tail({layer.activation: torch.from_numpy(activations)}).numpy()
        file = written(zero_neurons(model, layer, chosen))
        ours = import_model(file)(torch.from_numpy(IMAGES)).numpy()
    step = 0.02 * logits(model).std()  # one step of rounding in a logit
    assert np.abs(masked - logits(model)).max() > 10 * step
    np.testing.assert_allclose(logits(file), masked, atol=step)
    np.testing.assert_allclose(ours, masked, atol=step)


def test_scales_zero_points_and_all_else_stay_byte_for_byte(vendors: Model, model: Model) -> None:
    zeroed = zero_neurons(model, find_target_layer(model), [1, 5])
    names = changed(vendors, zeroed)
    assert len(names) == 2
    assert all("w4" in name or "b4" in name for name in names)
    assert not any("scale" in name or "zero_point" in name for name in names)
    assert without(zeroed.to_proto(), names) == without(vendors.to_proto(), names)


def test_zeroed_weights_are_the_zero_point(model: Model) -> None:
    zeroed = zero_neurons(model, find_target_layer(model), [3])
    (name,) = [name for name in zeroed.values if "w4" in name]
    codes, zero = zeroed.values[name], zeroed.initializer(name.replace("_quantized", "_zero_point"))
    row = codes[3] if codes.shape[0] == HIDDEN else codes[:, 3]
    assert (row == (zero if zero.ndim == 0 else zero[3])).all()


def test_channels_of_a_convolution_can_be_zeroed(model: Model) -> None:
    *_, first = list_target_layers(model)
    maps = read(model, first.activation)
    maps[:, [2, 6]] = 0
    with torch.no_grad():
        masked = import_model(model).tail({first.activation: torch.from_numpy(maps)}).numpy()
    file = written(zero_neurons(model, first, [2, 6]))
    np.testing.assert_allclose(logits(file), masked, atol=0.05 * logits(model).std())


def test_neurons_inside_quantized_operators_stay_with_a_reason(vendors: Model, model: Model) -> None:
    layer = find_target_layer(model)
    zeroed = zero_neurons(model, layer, [3])
    removed = remove_neurons(zeroed, layer, [3])
    if model is vendors:
        assert removed.neurons == (3,)
    else:
        assert (removed.model, removed.neurons) == (zeroed, ())
        assert "quantized operator" in removed.kept[3]


def test_tunable_weights_are_those_of_the_copy(model: Model) -> None:
    names = tunable_weights(model)
    assert len([name for name in names if name.startswith("w")]) == 5
    assert len([name for name in names if name.startswith("b")]) == 5
    assert set(names) <= set(import_model(model).weights)


def test_an_untouched_copy_writes_nothing(model: Model) -> None:
    assert write_back(model, import_model(model)).to_bytes() == model.to_bytes()


def test_tuned_weights_are_rounded_to_what_the_file_can_store(vendors: Model, model: Model) -> None:
    """The copy with rounded weights and the written file answer alike, and half a step is all that rounding takes."""
    copied, draw = import_model(model), torch.Generator().manual_seed(0)
    wanted: Mapping[str, torch.Tensor] = {
        name: copied.weights[name] * (1 - 0.2 * torch.rand(copied.weights[name].shape, generator=draw))
        for name in tunable_weights(model)
    }
    with torch.no_grad():
        for name, value in wanted.items():
            copied.weights[name].copy_(value)
    tuned = write_back(model, copied)
    assert not any("scale" in name or "zero_point" in name for name in changed(vendors, tuned))
    for name, value in wanted.items():
        stored = tuned.initializer(name)
        assert np.abs(stored - value.numpy()).max() <= 0.02 * np.abs(stored).max()
    file = written(tuned)
    with torch.no_grad():
        ours = import_model(tuned)(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(logits(file), ours, atol=0.05 * ours.std())
    assert write_back(tuned, import_model(tuned)).to_bytes() == tuned.to_bytes()


def test_the_next_layer_can_be_fitted(model: Model) -> None:
    layer = find_target_layer(model)
    following = find_next_layer(model, layer)
    assert following is not None
    inputs = read(model, following.branches[0].input)
    wanted = inputs @ following.matrix(model).T
    pruned = int(np.abs(inputs).mean(axis=0).argmax())
    before = following.matrix(model)
    tuned = LeastSquares(before, inputs, 0.01).fit([pruned])
    inputs[:, pruned] = 0
    fitted = following.with_matrix(model, tuned).initializer(following.branches[0].weight)
    after = following.branches[0].matrix(model.with_values({following.branches[0].weight: fitted}))
    assert after.shape == (CLASSES, HIDDEN)
    assert np.abs(inputs @ after.T - wanted).mean() < 0.8 * np.abs(inputs @ before.T - wanted).mean()
