"""QuantizeLinear and DequantizeLinear behind it as one pass over the data, and none where values are rounded already.

    y = clamp(round(x / scale), low, high) · scale,      low and high less the zero point

The gradient passes the rounding as if it were not there, and stops where the value saturates.
"""

from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.fusion.neighborhood import IDENTITY, Match, Neighborhood, newest
from onnxaudit.importer.graph import Step
from onnxaudit.importer.ops.quantization import dequantize, find_limits, quantize, quantize_dynamically
from onnxaudit.importer.registry import make_operator

MOVING = tuple(map(newest, ("MaxPool", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze")))
DYNAMIC_TOP = 255.0


class _Rounding(torch.autograd.Function):
    """`x` as its codes stand for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Any, low: Any, high: Any) -> Tensor:
        codes = (x / scale).round_()
        kept: Tensor = codes.clamp(low, high)
        ctx.save_for_backward(codes)
        ctx.limits = low - 0.5, high + 0.5  # between whole numbers: what stands on a limit does not saturate
        return kept.mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (codes,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, codes, *ctx.limits), None, None, None


class _RoundingInRange(torch.autograd.Function):
    """The same where scale and zero point follow from `x`, so that nothing saturates."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: Tensor, high: Tensor) -> Tensor:
        del ctx
        return (x / scale).round_().clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        del ctx
        return gradient, None, None, None


def round_to_scale(x: Tensor, *, scale: float, low: float, high: float) -> Tensor:
    """`x` in whole multiples of `scale`, from `low` to `high` of them."""
    rounded: Tensor = _Rounding.apply(x, scale, low, high)  # type: ignore[no-untyped-call]
    return rounded


def round_to_range(x: Tensor) -> Tensor:
    """`x` in 256 steps over its own range, zero among them."""
    with torch.no_grad():
        low, high = torch.aminmax(x)
        low, high = low.clamp(max=0), high.clamp(min=0)
        scale = (high - low) / DYNAMIC_TOP
        scale = torch.where(scale == 0, torch.ones_like(scale), scale)
        zero = (-low / scale).clamp(0, DYNAMIC_TOP).round()
    rounded: Tensor = _RoundingInRange.apply(x, scale, -zero, DYNAMIC_TOP - zero)  # type: ignore[no-untyped-call]
    return rounded


ROUND, ROUND_IN_RANGE = make_operator(round_to_scale, "x"), make_operator(round_to_range, "x")


def fuse_rounding(step: Step, around: Neighborhood) -> Match | None:
    """DequantizeLinear of what nobody else reads of QuantizeLinear, or of DynamicQuantizeLinear."""
    if step.operator.function is not dequantize or step.attributes.get("block_size"):
        return None
    codes, *rest = step.inputs
    before = around.find_maker(codes)
    if before is None or not around.is_read_by(before, step):
        return None
    name = f"{before.name} with {step.name}"
    if before.operator.function is quantize_dynamically:
        known = before.outputs == step.inputs
        return Match(Step(name, ROUND_IN_RANGE, {}, before.inputs, step.outputs, {}), (before,)) if known else None
    if (
        before.operator.function is not quantize
        or before.attributes.get("block_size")
        or list(before.inputs[1:]) != rest
    ):
        return None
    limits = _find_limits(before, around)
    return None if limits is None else Match(Step(name, ROUND, limits, before.inputs[:1], step.outputs, {}), (before,))


def skip_rounded(step: Step, around: Neighborhood) -> Match | None:
    """Rounding of the very values of another one, moved about or the largest of several: they stay what they are."""
    if step.operator is not ROUND:
        return None
    name, maker = step.inputs[0], around.find_maker(step.inputs[0])
    while maker is not None and maker.operator in MOVING and maker.outputs[0] == name:
        name = maker.inputs[0]
        maker = around.find_maker(name)
        if maker is not None and maker.operator is ROUND and maker.attributes == step.attributes:
            return Match(Step(step.name, IDENTITY, {}, step.inputs, step.outputs, {}))
    return None


def _find_limits(step: Step, around: Neighborhood) -> dict[str, float] | None:
    """Scale, and the limits less the zero point, where each is one number that never changes."""
    scale = around.find_number(step.inputs[1])
    zero = step.inputs[2] if len(step.inputs) > 2 else ""
    point = around.find_number(zero) if zero else 0.0
    if scale is None or point is None or step.attributes.get("output_dtype"):
        return None
    low, high = find_limits(around.stored[zero].dtype if zero else torch.uint8)
    return {"scale": scale, "low": low - point, "high": high - point}
