"""Surgery on exporters' models: zeroing and removing touch what they have to, and nothing else."""

import numpy as np
import onnx
import pytest
import torch

from onnxaudit.importer import import_model, write_back
from onnxaudit.intake import Model, load_model
from onnxaudit.intake.model import NO_VALUES
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_target_layer, list_target_layers, remove_neurons, spell_out, zero_neurons
from tests.exporters.making.catalogue import Entry, read_entries
from tests.exporters.subject import PLAIN, draw_inputs

CASES = [pytest.param(entry, id=entry.file.removesuffix(".onnx")) for entry in read_entries()]
# The rows that make the features of these are read by others too, or the features are places of a map.
STAYING = ("ort-dynamic", "ort-qoperator")  # the neurons inside quantised operators
CONTENT = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")
WHOLE = ("convnext", "densenet", "encoder", "gru", "lstm", "mixer", "oddities", "shuffle", "swin", "vit")
REMOVABLE = [
    case
    for case in CASES
    if not any(f"-{word}-" in str(case.id) for word in (*WHOLE, "percentile")) and not str(case.id).startswith(STAYING)
]


def read(entry: Entry) -> Model:
    """The model as surgery sees it."""
    return spell_out(load_model(entry.path, entry.output))


def zero(entry: Entry) -> tuple[Model, Model, TargetLayer, list[int]]:
    """The model, the same with a quarter of its neurons at zero, its target layer, and those neurons."""
    model = read(entry)
    layer = find_target_layer(model)
    count = max(1, layer.neurons // 4)
    neurons = np.random.default_rng(0).choice(layer.neurons, count, replace=False).tolist()
    return model, zero_neurons(model, layer, neurons), layer, neurons


def run(model: Model) -> np.ndarray:
    inputs = draw_inputs(model, model.info.input.batch or 8)
    logits = model.info.output.logits
    return Runtime(model, PLAIN).run(inputs, [logits])[logits].astype(np.float64)


def without(proto: onnx.ModelProto, changed: set[str]) -> bytes:
    """The file with the content of the tensors called `changed` blanked; their names, types and sizes stay."""
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    for name, tensor in list_stored(bare):
        if name in changed:
            for field in CONTENT:
                tensor.ClearField(field)
    return bare.SerializeToString(deterministic=True)


@pytest.mark.parametrize("entry", CASES)
def test_zeroing_touches_the_zeroed_weights_alone(entry: Entry) -> None:
    model, zeroed, _, _ = zero(entry)
    assert zeroed.values
    assert without(zeroed.to_proto(), {*zeroed.values}) == without(model.proto, {*zeroed.values})


@pytest.mark.parametrize("entry", CASES)
def test_what_was_zeroed_is_imported_and_written_back_unchanged(entry: Entry) -> None:
    _, zeroed, _, _ = zero(entry)
    assert write_back(zeroed, import_model(zeroed)).to_bytes() == zeroed.to_bytes()


@pytest.mark.parametrize("entry", CASES)
def test_removing_equals_zeroing(entry: Entry) -> None:
    _, zeroed, layer, neurons = zero(entry)
    removed = remove_neurons(zeroed, layer, neurons)
    assert {*removed.neurons, *removed.kept} == {*neurons}
    expected = run(zeroed)
    np.testing.assert_allclose(run(removed.model), expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("entry", CASES)
def test_removing_channels_of_a_convolution_equals_zeroing_them(entry: Entry) -> None:
    """Rows and bias at zero by hand: what lies behind may keep a constant."""
    model = read(entry)
    for layer in list_target_layers(model)[1:]:
        chosen = [0, layer.neurons // 2]
        values = {name: model.initializer(name).copy() for name in (*layer.weights, *layer.biases)}
        for value in values.values():
            value[chosen] = 0
        zeroed = model.with_values(values)
        expected = run(zeroed)
        removed = remove_neurons(zeroed, layer, chosen)
        np.testing.assert_allclose(run(removed.model), expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("entry", CASES)
def test_what_follows_a_layer_is_computed_from_its_activations_alone(entry: Entry) -> None:
    """As trial prunes do it: for several states of the layer in one batch."""
    model = read(entry)
    copied, logits = import_model(model), model.info.output.logits
    images = torch.from_numpy(draw_inputs(model, model.info.input.batch or 4))
    for layer in list_target_layers(model):
        with torch.no_grad():
            values = copied.values(images, [layer.activation, logits])
            states = torch.cat([values[layer.activation]] * 3)
            followed = copied.tail({layer.activation: states})
        torch.testing.assert_close(followed, torch.cat([values[logits]] * 3), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("entry", REMOVABLE)
def test_plain_networks_lose_every_neuron_and_nothing_else(entry: Entry) -> None:
    _, zeroed, layer, neurons = zero(entry)
    removed = remove_neurons(zeroed, layer, neurons)
    assert set(removed.neurons) == set(neurons)
    before, after = zeroed.to_proto(), removed.model.to_proto()
    assert len(after.SerializeToString()) < len(before.SerializeToString())
    old, new = dict(list_stored(before)), dict(list_stored(after))
    cut = {name for name in old if name not in new or new[name].dims != old[name].dims}
    assert all(
        new[name] == old[name] for name in old if name not in cut and old[name].data_type != onnx.TensorProto.INT64
    )
    for file in (before, after):
        for part in ("node", "initializer", "value_info"):
            file.graph.ClearField(part)
    assert after.SerializeToString() == before.SerializeToString()
    assert removed.model.values == NO_VALUES
