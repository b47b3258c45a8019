"""Weights that several nodes read: the target layer and the next one get their own copies before they are edited."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from onnxaudit.intake.model import NO_VALUES, Model
from onnxaudit.records import TargetLayer
from onnxaudit.surgery.graph import Graph
from onnxaudit.surgery.linear import Linear, node_name
from onnxaudit.surgery.removal.editor import apply_edits
from onnxaudit.surgery.removal.edits import Cut
from onnxaudit.surgery.target import find_layer, find_next_layer


def unshare(model: Model, layer: TargetLayer) -> Model:
    """`model` in which no other node reads the weights of `layer` and of the next; the very same where that is so.

    Nothing that it computes changes. A shared bias of zeros stays shared: surgery has nothing to do there. So do
    weights inside quantized operators, which are spelt out in the working copy alone: editing them is refused.
    """
    model = _copy_for(model, find_layer(model, layer))
    following = find_next_layer(model, layer)
    return model if following is None else _copy_for(model, following)


def _copy_for(model: Model, layer: Linear) -> Model:
    cuts = list(_list_copies(model, Graph(model), layer))
    written = {name for node in model.proto.graph.node for name in node.output}
    if not cuts or not written.issuperset(cut.node for cut in cuts):
        return model
    working = None if model.working is None else apply_edits(model.to_working(), cuts, {})
    return replace(model, proto=apply_edits(model.to_proto(), cuts, {}), values=NO_VALUES, working=working)


def _list_copies(model: Model, graph: Graph, layer: Linear) -> Iterator[Cut]:
    """Cuts that take nothing away: they copy what others read."""
    shared = {name for name in layer.shared if np.any(model.initializer(name))}
    for node in graph.nodes:
        if node_name(node) not in layer.nodes:
            continue
        for index, tensor in enumerate(node.inputs):
            stored = graph.stored(tensor) if tensor.name else None
            if stored is not None and stored.name in shared:
                size = model.initializer(stored.name).shape[-1 if stored.transposed else 0]
                yield Cut(node.outputs[0].name, index, 0, np.ones(size, bool))
