"""Find the neurons that the trigger uses.

For neuron `n` the activation `mean_x φ(Σ_k w_nk h_k(A(x)) + b_n)` over triggered samples, and the weight
`‖w_n‖₂`; both sorted from high to low.

Differs from the source:
- the mean activation on the same samples without the trigger stands beside it, for people;
- where the layer is the only fully connected one its inputs are the neurons (axis `INPUTS`), and a neuron's weight
  is the norm of its column;
- where a convolution is named, its channels are the neurons, and their activation is the mean over the map.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import ModelError
from onnxaudit.intake.model import Model
from onnxaudit.records import Floats, NeuronProfile, Profile, Samples, TargetLayer, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import incoming_weights


def profile(runtime: Runtime, model: Model, layer: TargetLayer, clean: Samples, *triggers: Trigger) -> Profile:
    """Both rankings of a layer's neurons.

    Args:
        runtime: runs `model`.
        model: the model.
        layer: its target layer.
        clean: the samples to stamp; leave those of the target class out.
        triggers: inverted triggers, at least one; the mean over all ranks.

    Raises:
        ModelError: the layer has not one activation a neuron.
    """
    under = [read_features(runtime, layer, trigger.apply(clean.images)).mean(axis=0) for trigger in triggers]
    triggered = np.mean(under, axis=0)
    untouched = read_features(runtime, layer, clean.images).mean(axis=0)
    weights = np.linalg.norm(incoming_weights(model, layer).astype(np.float64), axis=1)
    by_activation, by_weight = rank(triggered), rank(weights)
    neurons = tuple(
        NeuronProfile(
            neuron=n,
            activation=float(triggered[n]),
            clean_activation=float(untouched[n]),
            weight=float(weights[n]),
            activation_rank=int(by_activation[n]),
            weight_rank=int(by_weight[n]),
        )
        for n in range(layer.neurons)
    )
    return Profile(layer, neurons)


def rank(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Ranks from 1, highest value first; among equals the lower index comes first."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def read_features(runtime: Runtime, layer: TargetLayer, images: Floats) -> Floats:
    """The activations of a layer's neurons `(n, neurons)`; of a channel the mean over its places.

    Raises:
        ModelError: as `read_activations`.
    """
    values = read_activations(runtime, layer, images)
    features: Floats = values.reshape(*values.shape[:2], -1).mean(axis=2)
    return features


def read_activations(runtime: Runtime, layer: TargetLayer, images: Floats) -> Floats:
    """The activations of a layer's neurons `(n, neurons)`, or of a convolution's channels `(n, neurons, ...)`.

    Raises:
        ModelError: the layer has not one activation, or one map, a neuron (a layer applied to many tokens).
    """
    values = runtime.activations(images, [layer.activation])[layer.activation]
    if values.size == len(images) * layer.neurons:
        return values.reshape(len(images), layer.neurons)
    axes = runtime.model.initializer(layer.weights[0]).ndim
    if axes > 2 and values.ndim == axes and values.shape[1] == layer.neurons:
        return values
    raise ModelError(
        f"tensor {layer.activation!r} of layer {layer.name!r} has shape {values.shape}, not one activation for "
        f"each of {layer.neurons} neurons; choose another layer with --layer"
    )
