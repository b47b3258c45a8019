"""A convolution and the batch normalization behind it in one pass over the data.

    norm(conv(x; W, b)) = conv(x; W·s, (b − mean)·s + shift),    s = scale / √(var + ε)

Folded weights are kept while all of them are frozen and unchanged. Otherwise they are folded anew in every call, which
costs little next to a pass over the activations and lets gradients reach each of them.
"""

from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.fusion.neighborhood import Match, Neighborhood, newest
from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.ops.convolution import convolve
from onnxaudit.importer.ops.normalization import normalize_batch, normalize_batch_or_train
from onnxaudit.importer.registry import make_operator

Pair = tuple[Tensor, Tensor]
CONVOLUTION = newest("Conv")


class Folded:
    """The weights of one convolution with its normalization folded in."""

    def __init__(self) -> None:
        self._sources: tuple[Tensor | None, ...] = ()
        self._state: tuple[tuple[int, int] | None, ...] = ()
        self._pair: Pair | None = None

    def get(self, *sources: Tensor | None, epsilon: float) -> Pair:
        """`fold` of the sources, kept until one of them changes."""
        tensors = [source for source in sources if source is not None]
        if torch.is_inference_mode_enabled() or any(tensor.requires_grad for tensor in tensors):
            self._pair = None
            return fold(*sources, epsilon=epsilon)
        state = tuple(None if source is None else (source._version, source.data_ptr()) for source in sources)
        known = all(old is new for old, new in zip(self._sources, sources, strict=False))
        if self._pair is None or not known or state != self._state:
            self._sources, self._state, self._pair = sources, state, fold(*sources, epsilon=epsilon)
        return self._pair


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
    x: Tensor, *sources: Tensor | None, folded: Folded | None, epsilon: float = 1e-5, **attributes: Any
) -> Tensor:
    """Normalized convolution; `attributes` are the convolution's."""
    w, b = fold(*sources, epsilon=epsilon) if folded is None else folded.get(*sources, epsilon=epsilon)
    return convolve(x, w, b, **attributes)


FUSED = make_operator(convolve_normalized, "x", "w", "b", "scale", "shift", "mean", "var")


def fuse_normalization(step: Step, around: Neighborhood, folds: dict[str, Folded]) -> Match | None:
    """Conv, BatchNormalization."""
    convolution = around.find_sole(step.inputs[0], CONVOLUTION) if is_plain_normalization(step) else None
    if convolution is None:
        return None
    attributes = dict(convolution.attributes)
    if "epsilon" in step.attributes:
        attributes["epsilon"] = step.attributes["epsilon"]
    inputs = (*convolution.inputs, MISSING)[:3] + step.inputs[1:]
    lasting = all(name == MISSING or name in around.stored for name in inputs[1:])
    attributes["folded"] = folds.setdefault(convolution.outputs[0], Folded()) if lasting else None
    fused = Step(f"{convolution.name} with {step.name}", FUSED, attributes, inputs, step.outputs[:1], {})
    return Match(fused, (convolution,))


def is_plain_normalization(step: Step) -> bool:
    """Whether a step normalizes each channel with stored statistics."""
    if step.operator.function is normalize_batch:
        return bool(step.attributes.get("spatial", 1))
    return step.operator.function is normalize_batch_or_train and not step.attributes.get("training_mode", 0)
