"""Versions up to opset 6 of operators that later changed what they broadcast."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.arithmetic import BINARY, divide, power
from onnxaudit.importer.ops.linear import gemm
from onnxaudit.importer.ops.normalization import normalize_channels
from onnxaudit.importer.registry import op

BROADCAST_BY_ATTRIBUTE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    **{name: BINARY[name] for name in ("Add", "And", "Equal", "Greater", "Less", "Mul", "Or", "Sub", "Xor")},
    "Div": divide,
    "Pow": power,
}


def _aligned(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def compute(a: Tensor, b: Tensor, *, axis: int | None = None, broadcast: int = 0) -> Tensor:
        if broadcast and axis is not None:
            # The axes of `b` stand for those of `a` from `axis` on.
            b = b.reshape(*b.shape, *[1] * (a.ndim - axis % a.ndim - b.ndim))
        return function(a, b)

    return compute


for _name in BROADCAST_BY_ATTRIBUTE:
    op(_name, since=6)(_aligned(BROADCAST_BY_ATTRIBUTE[_name]))


@op("Gemm", since=6)
def gemm_and_broadcast(
    a: Tensor,
    b: Tensor,
    c: Tensor,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    broadcast: int = 0,  # noqa: ARG001 - a shape that fits without it fits with it
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> Tensor:
    """`alpha·A·B + beta·C`."""
    return gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)


@op("PRelu", since=6)
def prelu_by_channel(x: Tensor, slope: Tensor) -> Tensor:
    """`x`, or `slope·x` below zero; one slope a channel."""
    return F.prelu(x, slope.reshape(-1))


@op("BatchNormalization", since=6)
def normalize_tested_batch(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    is_test: int = 0,
    momentum: float = 0.9,  # noqa: ARG001 - matters in training only
    spatial: int = 1,
) -> Tensor:
    """Normalization with stored statistics."""
    if not is_test:
        raise NotImplementedError("it normalizes by the batch's own statistics")
    if spatial:
        return normalize_channels(x, scale, b, mean, var, epsilon)
    return (x - mean) / torch.sqrt(var + epsilon) * scale + b


@op("Dropout", since=6)
def keep_all_in_test(
    data: Tensor,
    *,
    is_test: int = 0,  # noqa: ARG001 - a file is never trained here
    ratio: float = 0.5,  # noqa: ARG001
    outputs: int = 1,
) -> Tensor | tuple[Tensor, Tensor]:
    """The identity, as dropout is outside training."""
    return data if outputs == 1 else (data, torch.ones_like(data))
