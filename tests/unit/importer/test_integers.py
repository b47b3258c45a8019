"""Products of whole numbers behind a dynamic rounding, computed as products of floats."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from onnxaudit.importer import TorchModel, import_model
from onnxaudit.importer.fusion import fuse
from onnxaudit.importer.fusion.integers import WHOLE
from onnxaudit.importer.ops.quantization import quantize_dynamically
from tests.unit.importer.quantized_networks import DYNAMIC, Float, make_float, quantize

KINDS = [*DYNAMIC]


@pytest.fixture(scope="module")
def original() -> Float:
    return make_float()


def import_quantized(original: Float, kind: str, folder: Path) -> TorchModel:
    return import_model(quantize(original, kind, folder))


def list_whole(copied: TorchModel) -> list[str]:
    """Names of the products of whole numbers."""
    return [step.outputs[0] for step in copied.graph.steps if step.operator in WHOLE]


def read_gradient(logits: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    weights = torch.arange(logits.numel()).view_as(logits) % 7 - 3.0
    return torch.autograd.grad((logits * weights).sum(), others)


@pytest.mark.parametrize("kind", KINDS)
def test_no_product_of_whole_numbers_is_computed(kind: str, original: Float, tmp_path: Path) -> None:
    copied = import_quantized(original, kind, tmp_path)
    graph, logits = copied.graph, copied.info.output.logits
    steps = fuse(graph.steps, {"x", logits}, {**graph.constants, **copied.weights}, graph.constants, {})
    assert list_whole(copied)
    assert not any(step.operator in WHOLE or step.operator.function is quantize_dynamically for step in steps)


@pytest.mark.parametrize("kind", KINDS)
def test_products_of_floats_are_what_the_operators_of_the_file_compute(
    kind: str, original: Float, tmp_path: Path
) -> None:
    copied = import_quantized(original, kind, tmp_path)
    x = torch.from_numpy(original.images[:32]).requires_grad_()
    logits = copied.info.output.logits
    spelled = copied(x)
    literal = copied.values(x, [logits, *list_whole(copied)])[logits]  # what is asked for has to be computed
    assert torch.allclose(spelled, literal, rtol=0, atol=0.02 * float(literal.detach().std()))
    assert torch.equal(spelled.argmax(dim=1), literal.argmax(dim=1))
    (ours,), (theirs,) = read_gradient(spelled, x), read_gradient(literal, x)
    assert torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.98


def test_rounding_in_place_spares_what_was_asked_for(original: Float, tmp_path: Path) -> None:
    copied = import_quantized(original, KINDS[0], tmp_path)
    x = torch.from_numpy(original.images[:4])
    made = [step.outputs[0] for step in copied.graph.steps if "x" not in step.inputs and step.outputs[0]]
    names = [name for name in made if name not in list_whole(copied)][:40]
    together = copied.values(x, names)
    for name in names:
        torch.testing.assert_close(together[name], copied.values(x, [name])[name], msg=name)
    assert torch.equal(x, torch.from_numpy(original.images[:4]))


def test_tuned_weights_are_rounded_anew_and_reached_by_gradients(original: Float, tmp_path: Path) -> None:
    copied = import_quantized(original, KINDS[0], tmp_path)
    x = torch.from_numpy(original.images[:8])
    with torch.no_grad():
        before = copied(x)
    name = next(iter(copied.graph.quantized))
    weight = copied.weights[name]
    copied.unfreeze([name])
    (slope,) = read_gradient(copied(x), weight)
    assert (slope != 0).any()
    copied.freeze()
    with torch.no_grad():
        weight.mul_(0.5)
        after = copied(x)
        weight.mul_(2.0)
        assert torch.equal(copied(x), before)
    assert not torch.allclose(after, before)
