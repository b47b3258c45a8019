"""A convolution and the batch normalization behind it in one pass over the data.

    norm(conv(x; W, b)) = conv(x; W·s, (b − mean)·s + shift),    s = scale / √(var + ε)

Folded weights are kept while those of the file stay as they are (`derived.py`).
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.fusion.derived import Derived
from onnxaudit.importer.fusion.neighborhood import Match, Neighborhood, newest
from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.ops.convolution import convolve
from onnxaudit.importer.ops.normalization import normalize_batch, normalize_batch_or_train
from onnxaudit.importer.registry import make_operator

Pair = tuple[Tensor, Tensor]
CONVOLUTION = newest("Conv")


def fold(*sources: Tensor | None, epsilon: float) -> Pair:
    """Weight and bias of the convolution that normalizes as well."""
    w, b, scale, shift, mean, var = sources
    assert w is not None
    assert scale is not None
    assert shift is not None
    assert mean is not None
    assert var is not None
    factor = scale * torch.rsqrt(var + epsilon)
    bias = shift - mean * factor if b is None else torch.addcmul(shift, b - mean, factor)
    return w * factor.reshape(-1, *[1] * (w.ndim - 1)), bias


def convolve_normalized(
    x: Tensor, *sources: Tensor | None, folded: Derived | None, epsilon: float = 1e-5, **attributes: Any
) -> Tensor:
    """Normalized convolution; `attributes` are the convolution's."""
    make = partial(fold, epsilon=epsilon)
    w, b = make(*sources) if folded is None else folded.get(make, *sources)
    return convolve(x, w, b, **attributes)


FUSED = make_operator(convolve_normalized, "x", "w", "b", "scale", "shift", "mean", "var")


def fuse_normalization(step: Step, around: Neighborhood, derived: dict[str, Derived]) -> Match | None:
    """Conv, BatchNormalization."""
    convolution = around.find_sole(step.inputs[0], CONVOLUTION) if is_plain_normalization(step) else None
    if convolution is None:
        return None
    attributes = dict(convolution.attributes)
    if "epsilon" in step.attributes:
        attributes["epsilon"] = step.attributes["epsilon"]
    inputs = (*convolution.inputs, MISSING)[:3] + step.inputs[1:]
    lasting = all(name == MISSING or name in around.stored for name in inputs[1:])
    attributes["folded"] = derived.setdefault(convolution.outputs[0], Derived()) if lasting else None
    fused = Step(f"{convolution.name} with {step.name}", FUSED, attributes, inputs, step.outputs[:1], {})
    return Match(fused, (convolution,))


def is_plain_normalization(step: Step) -> bool:
    """Whether a step normalizes each channel with stored statistics."""
    if step.operator.function is normalize_batch:
        return bool(step.attributes.get("spatial", 1))
    return step.operator.function is normalize_batch_or_train and not step.attributes.get("training_mode", 0)
