"""The one place that knows graphsurgeon: find the layer that carries a trigger, and take neurons out of it.

graphsurgeon decides what to change; the change itself is new initializer values laid over the vendor's protobuf.
"""

from onnxaudit.surgery.features import find_features, find_head
from onnxaudit.surgery.linear import Linear
from onnxaudit.surgery.removal import Removed, remove_neurons
from onnxaudit.surgery.shared_weights import unshare
from onnxaudit.surgery.spelling import spell_out
from onnxaudit.surgery.target import find_inputs, find_next_layer, find_target_layer, list_target_layers
from onnxaudit.surgery.tunable import tunable_weights
from onnxaudit.surgery.zeroed_neurons import incoming_weights, neuron_entries, zero_neurons

__all__ = [
    "Linear",
    "Removed",
    "find_features",
    "find_head",
    "find_inputs",
    "find_next_layer",
    "find_target_layer",
    "incoming_weights",
    "list_target_layers",
    "neuron_entries",
    "remove_neurons",
    "spell_out",
    "tunable_weights",
    "unshare",
    "zero_neurons",
]
