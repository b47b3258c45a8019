"""Take silent neurons out of the graph: rows, bias, what lies between, and the columns that read them."""

from onnxaudit.surgery.removal.neurons import Removed, remove_neurons

__all__ = ["Removed", "remove_neurons"]
