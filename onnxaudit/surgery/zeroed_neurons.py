"""Take neurons out of the target layer by zeroing what makes them.

Of a neuron that is a row, weights and bias become zero. That leaves the constant `φ(0)` where the activation does not
keep zero (sigmoid, batch norm behind the layer): there the columns that the neuron feeds in the next layer become zero
as well, which is the same as moving the constant into the next bias and needs no bias.
Where no such layer follows (a convolution's channels), scale and shift of a batch normalization in between become zero.
Of a neuron that is a feature (axis `INPUTS`), its column becomes zero.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.records import NeuronAxis, TargetLayer
from onnxaudit.surgery.activation import at_zero, list_norms
from onnxaudit.surgery.graph import Graph
from onnxaudit.surgery.linear import Branch, Linear
from onnxaudit.surgery.target import find_layer, find_next_layer

Entries = dict[str, npt.NDArray[np.bool_]]


def zero_neurons(model: Model, layer: TargetLayer, neurons: Sequence[int]) -> Model:
    """`model` without these neurons of `layer`: for what follows, their activation is 0.

    Raises:
        ModelError: the edit would change other layers too (shared initializers), or the neuron leaves a constant
            behind that cannot be taken out.
    """
    entries = neuron_entries(model, layer, neurons)
    values = {name: np.where(mask, 0, model.initializer(name)) for name, mask in entries.items()}
    return model.with_values({name: value.astype(model.initializer(name).dtype) for name, value in values.items()})


def neuron_entries(model: Model, layer: TargetLayer, neurons: Sequence[int]) -> Entries:
    """Which entries of which initializers are zero when these neurons are out: masks by initializer name.

    Raises:
        ModelError: as `zero_neurons`.
    """
    chosen = np.zeros(layer.neurons, bool)
    chosen[list(neurons)] = True
    if not chosen.any():
        return {}
    found = find_layer(model, layer)
    if layer.axis is NeuronAxis.INPUTS:
        entries = _columns(model, found.branches, chosen)
    else:
        entries = {branch.weight: _mask(model, branch, chosen[:, None]) for branch in found.branches}
        entries |= {bias: chosen.reshape(model.initializer(bias).shape) for bias in found.biases}
    _check(model, found, entries)
    lingering = chosen & (at_zero(model, layer) != 0) if layer.axis is NeuronAxis.OUTPUTS else chosen & False
    if not lingering.any():
        return entries
    return entries | (_outgoing(model, layer, lingering) or _silence(model, layer, lingering))


def incoming_weights(model: Model, layer: TargetLayer) -> npt.NDArray[Any]:
    """The weights by which neurons are ranked, `(neurons, inputs)`, bias excluded.

    A row of the layer; with axis `INPUTS` a column, the weights by which the feature enters the classes.
    """
    found = find_layer(model, layer)
    if layer.axis is NeuronAxis.OUTPUTS:
        return found.matrix(model)
    return np.concatenate([branch.matrix(model).T for branch in found.branches], axis=1)


def _outgoing(model: Model, layer: TargetLayer, lingering: npt.NDArray[np.bool_]) -> Entries:
    """The columns of the next layer that read these neurons; none where it does not read them as they are."""
    following = find_next_layer(model, layer)
    fed = [branch for branch in following.branches if branch.input == layer.activation] if following else []
    if following is None or len(fed) != len(following.branches):
        return {}
    entries = _columns(model, tuple(fed), lingering)
    _check(model, following, entries)
    return entries


def _silence(model: Model, layer: TargetLayer, lingering: npt.NDArray[np.bool_]) -> Entries:
    """Scale and shift of the batch normalizations between these neurons and their activation."""
    graph = Graph(model)
    own = [name for name in list_norms(model, layer) if len(graph.users(name)) == 1]
    entries = {name: lingering.copy() for name in own}
    silent = {name: np.where(mask, 0, model.initializer(name)).astype(np.float32) for name, mask in entries.items()}
    left = lingering & (at_zero(model.with_values(silent), layer) != 0)
    if left.any():
        raise ModelError(
            f"neuron {int(np.flatnonzero(left)[0])} of layer {layer.name!r} keeps a constant activation when its "
            "weights are zero, and no fully connected layer follows that could take it up; choose another layer "
            "with --layer"
        )
    return entries


def _columns(model: Model, branches: tuple[Branch, ...], chosen: npt.NDArray[np.bool_]) -> Entries:
    return {branch.weight: _mask(model, branch, chosen[None, :]) for branch in branches}


def _mask(model: Model, branch: Branch, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    full = np.broadcast_to(chosen, branch.matrix(model).shape)
    return branch.stored(full, model)


def _check(model: Model, layer: Linear, entries: Entries) -> None:
    """Only initializers in which something changes count: exporters share biases that are all zero."""
    layer.check_editable([name for name, mask in entries.items() if np.any(model.initializer(name)[mask] != 0)])
