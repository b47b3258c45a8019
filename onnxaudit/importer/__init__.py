"""The ONNX graph as a differentiable PyTorch module; a view of the graph, never a second truth."""

from onnxaudit.importer.classifier import Classifier
from onnxaudit.importer.conversion import describe_newer_opset, import_model
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parity import check_parity
from onnxaudit.importer.weight_export import count_clipped, write_back

__all__ = [
    "Classifier",
    "TorchModel",
    "check_parity",
    "count_clipped",
    "describe_newer_opset",
    "import_model",
    "write_back",
]
