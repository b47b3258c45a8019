"""`Model` to `TorchModel`."""

from onnxaudit.errors import ModelError
from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.batch import free_batch
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.encoded_weights import expose_weights
from onnxaudit.importer.entry import open_entry
from onnxaudit.importer.graph import Graph
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.parser import parse
from onnxaudit.importer.registry import NEWEST_OPSET
from onnxaudit.intake.model import Model
from onnxaudit.intake.side_outputs import drop_side_outputs


def import_model(model: Model, device: str = "cpu") -> TorchModel:
    """A differentiable copy of `model` that returns its logits; all weights frozen, the batch free.

    Raises:
        UnsupportedOperatorError: names every operator that is not known, with its nodes.
        ModelError: the graph cannot be computed, or not on more than the batch that the file fixes.
    """
    try:
        parsed = parse(drop_side_outputs(model.to_working(), model.info.output.logits))
        folded = fold_constants(open_entry(parsed, model.info.input))
        graph = expose_weights(folded, parsed.constants.keys())
        if model.info.input.batch is not None:
            graph = _free_batch(graph, model)
    except ModelError as error:
        raise type(error)(f"{model.info.path}: {error}") from error
    return TorchModel(graph, model.info).to(device)


def describe_newer_opset(model: Model) -> str | None:
    """One sentence about an opset that is newer than the operators known here; None where it is not."""
    if model.info.opset <= NEWEST_OPSET:
        return None
    return (
        f"the file uses opset {model.info.opset}, newer than {NEWEST_OPSET}, the newest known here: its operators are "
        "taken as they stand there, and the comparison with onnxruntime decides"
    )


def _free_batch(graph: Graph, model: Model) -> Graph:
    spec = model.info.input
    assert spec.batch is not None
    freed = free_batch(graph, spec.name, spec.shape(spec.batch), model.info.output.logits, spec.dtype)
    if freed is None:
        raise ModelError(
            f"the file fixes a batch of {spec.batch} and the graph depends on it; "
            "export the model again with a dynamic batch axis"
        )
    return freed
