"""A convolution and the batch normalisation behind it in one pass over the data.

    norm(conv(x; W, b)) = conv(x; W·s, (b − mean)·s + shift),    s = scale / √(var + ε)

The weights are scaled anew in every call: that costs little next to a pass over the activations, holds when weights
change, and lets gradients reach each of them.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.graph import MISSING, Step, read_names
from onnxaudit.importer.ops.convolution import convolve
from onnxaudit.importer.ops.normalization import normalize_batch, normalize_batch_or_train
from onnxaudit.importer.registry import Operator


def fuse_normalization(steps: Sequence[Step], keep: Collection[str]) -> list[Step]:
    """The same steps with convolutions and normalisations fused where nobody else reads what lies between.

    Args:
        steps: what is to be computed.
        keep: tensors that are wanted for themselves.
    """
    readers = Counter(name for step in steps for name in read_names(step))
    convolutions = {step.outputs[0]: step for step in steps if step.operator.function is convolve}
    fused: dict[str, Step] = {}
    for step in steps:
        name = step.inputs[0] if is_plain_normalization(step) else MISSING
        if name in convolutions and readers[name] == 1 and name not in keep:
            fused[name] = _fuse(convolutions[name], step)
    replaced = {step.outputs[0]: step for step in fused.values()}
    return [replaced.get(step.outputs[0], step) for step in steps if step.outputs[0] not in fused]


def is_plain_normalization(step: Step) -> bool:
    """Whether a step normalises each channel with stored statistics."""
    if step.operator.function is normalize_batch:
        return bool(step.attributes.get("spatial", 1))
    return step.operator.function is normalize_batch_or_train and not step.attributes.get("training_mode", 0)


def convolve_normalized(
    x: Tensor,
    w: Tensor,
    b: Tensor | None,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    **attributes: Any,
) -> Tensor:
    """Normalised convolution; `attributes` are the convolution's."""
    factor = scale * torch.rsqrt(var + epsilon)
    bias = shift - mean * factor if b is None else torch.addcmul(shift, b - mean, factor)
    return convolve(x, w * factor.reshape(-1, *[1] * (w.ndim - 1)), bias, **attributes)


NOTHING: frozenset[int] = frozenset()
FUSED = Operator(
    convolve_normalized, 1, ("x", "w", "b", "scale", "shift", "mean", "var"), False, {}, NOTHING, NOTHING, NOTHING
)


def _fuse(convolution: Step, normalization: Step) -> Step:
    attributes = dict(convolution.attributes)
    if "epsilon" in normalization.attributes:
        attributes["epsilon"] = normalization.attributes["epsilon"]
    inputs = (*convolution.inputs, MISSING)[:3] + normalization.inputs[1:]
    name = f"{convolution.name} with {normalization.name}"
    return Step(name, FUSED, attributes, inputs, normalization.outputs[:1], {})
