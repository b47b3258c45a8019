"""From neurons that are zero to a smaller model with the same outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onnxaudit.intake.model import NO_VALUES, Model
from onnxaudit.records import NeuronAxis, TargetLayer
from onnxaudit.surgery.linear import linear_layers
from onnxaudit.surgery.removal.editor import apply_edits
from onnxaudit.surgery.removal.network import Network
from onnxaudit.surgery.removal.planner import Plan, make_plan
from onnxaudit.surgery.removal.slots import NOBODY, RefusalError, Slot
from onnxaudit.surgery.target import locate


@dataclass(frozen=True, eq=False)
class Removed:
    """Outcome of a removal.

    Attributes:
        model: without the neurons that could go; the very same where none could.
        neurons: those that went, in their own order.
        kept: why each of the others stays, at zero, by neuron.
    """

    model: Model
    neurons: tuple[int, ...]
    kept: dict[int, str]


def remove_neurons(model: Model, layer: TargetLayer, neurons: Sequence[int]) -> Removed:
    """Take out of `model` those of the zeroed `neurons` of a layer that can go; its outputs stay the same."""
    network, wanted = Network(model), sorted(set(neurons))
    if not _is_written(model, layer):
        return Removed(model, (), dict.fromkeys(wanted, "its weights stand inside a quantized operator"))
    kept: dict[int, str] = {}
    start = _find_start(network, layer)
    while wanted:
        owners = np.full(layer.neurons, NOBODY)
        owners[wanted] = wanted
        try:
            plan = make_plan(network, start, Slot(1, owners))
            smaller = _apply(model, plan)
        except RefusalError as refusal:
            stay = set(refusal.neurons or wanted)
            kept |= dict.fromkeys(sorted(stay), refusal.reason)
            wanted = [neuron for neuron in wanted if neuron not in stay]
        else:
            return Removed(smaller, tuple(wanted), kept)
    return Removed(model, (), kept)


def _is_written(model: Model, layer: TargetLayer) -> bool:
    """Whether the file itself has the layer's weights as tensors that a node reads as floats."""
    graph = model.proto.graph
    named = {tensor.name for tensor in graph.initializer} | {name for node in graph.node for name in node.output}
    return named.issuperset(layer.weights)


def _find_start(network: Network, layer: TargetLayer) -> str:
    """The tensor whose entries are the neurons."""
    if layer.axis is NeuronAxis.OUTPUTS:
        return layer.output
    return locate(linear_layers(network.graph), layer).branches[0].input


def _apply(model: Model, plan: Plan) -> Model:
    """The model with the plan carried out, in the vendor's graph and in the copy that is computed with."""
    source = model.to_proto()
    makers = {name for node in source.graph.node for name in node.output}
    for edit in plan.edits:
        if edit.node not in makers:
            raise RefusalError(f"tensor {edit.node!r} is not part of the file")
    smaller = apply_edits(source, plan.edits, plan.slots)
    if smaller.ByteSize() >= source.ByteSize():
        raise RefusalError("the file would not become smaller")
    working = None if model.working is None else apply_edits(model.to_working(), plan.edits, plan.slots)
    return replace(model, proto=smaller, values=NO_VALUES, working=working)
