"""The weights of what was pruned, which stay at zero while the rest is tuned."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnxaudit.intake.model import Model
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.surgery import find_inputs, neuron_entries

Mask = npt.NDArray[np.bool_]


def take_held(context: TuningContext, weights: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The copy's weights of pruned neurons and inputs, each with a mask of the entries that stay at zero.

    Those too that are needed to silence a neuron of the original: on the way back to it they would learn.
    """
    held = dict[str, Mask]()
    for model in (context.original, context.pruned):
        for name, mask in _list_entries(model, context):
            held[name] = held[name] | mask if name in held else mask
    return [(weights[name], torch.from_numpy(mask).to(weights[name].device)) for name, mask in held.items()]


def _list_entries(model: Model, context: TuningContext) -> Iterator[tuple[str, Mask]]:
    """Which entries of which initializers are zero when neurons and inputs of the layer are out."""
    yield from neuron_entries(model, context.layer, context.neurons).items()
    inputs = find_inputs(model, context.layer) if context.inputs else None
    if inputs is not None:
        yield from neuron_entries(model, inputs, context.inputs).items()
