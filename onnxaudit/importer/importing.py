"""`Model` to `TorchModel`."""

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.folding import fold_constants
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parsing import parse
from onnxaudit.intake.model import Model


def import_model(model: Model, device: str = "cpu") -> TorchModel:
    """A differentiable copy of `model` that returns its logits; all weights frozen.

    Raises:
        UnsupportedOperatorError: names every operator that is not known, with its nodes.
    """
    stored = parse(model.to_proto() if model.values else model.proto)
    return TorchModel(fold_constants(stored), model.info).to(device)
