"""QuantizeLinear and DequantizeLinear behind it as one pass over the data, and none where values are rounded already.

    y = clamp(round(x / scale), low, high) · scale,      low and high less the zero point

The gradient passes the rounding as if it were not there, and stops where the value saturates. A range that follows the
values is taken for given on the way back. What nobody else reads is rounded in the memory in which it stands: new
memory costs more than the arithmetic.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.dynamic_ranges import Place, find_span
from onnxaudit.importer.fusion.activation import FRESH, OVERWRITTEN, RELU
from onnxaudit.importer.fusion.neighborhood import IDENTITY, Match, Neighborhood, newest
from onnxaudit.importer.graph import Step
from onnxaudit.importer.ops.quantization import (
    dequantize,
    find_limits,
    quantize,
    quantize_dynamically,
)
from onnxaudit.importer.registry import make_operator

POOLING = newest("MaxPool")
MOVING = (POOLING, *map(newest, ("Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze")))
ALMOST_HALF = 0.499
TINY = torch.finfo(torch.float32).tiny
OWN = (*FRESH, POOLING)  # their results are new tensors, which their gradients do not need


def round_to_scale(x: Tensor, *, scale: float, low: float, high: float, overwrite: bool = False) -> Tensor:
    """`x` in whole multiples of `scale`, from `low` to `high` of them; in the memory of `x` if that may be had."""
    own = x if overwrite else x.clone()
    own.detach().div_(scale)
    # Whatever is rounded to a limit does not saturate; rounding does not leave the limits.
    limits = low - ALMOST_HALF, high + ALMOST_HALF
    kept = F.hardtanh(own, *limits) if _needs_gradient(own) else F.hardtanh_(own, *limits)
    kept.detach().round_().mul_(scale)
    return kept


def round_to_range(x: Tensor, *, place: Place | None = None, positive: bool = False, overwrite: bool = False) -> Tensor:
    """`x` in 256 steps over its own range, zero among them.

    Args:
        x: the values.
        place: where each batch has a range of its own.
        positive: no value is below zero, so that codes run from 0 to 255 by themselves.
        overwrite: the memory of `x` may be had.
    """
    own = x if overwrite else x.clone()
    values = own.detach()
    low, high = find_span(values, place, lowest=not positive)
    # Nothing is divided by zero; where all values are zero any scale will do.
    scale = (high if positive else high.clamp_min(0) - low.clamp_max(0)).div(255).clamp_min_(TINY)
    values.div_(scale).round_()
    if not positive:  # from below nothing saturates: the zero point is the smallest value's own code
        values.clamp_max_(255 - (-low / scale).clamp_(0, 255).round_())
    values.mul_(scale)
    return own


def _needs_gradient(x: Tensor) -> bool:
    return x.requires_grad and torch.is_grad_enabled()


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


def overwrite_by_rounding(step: Step, around: Neighborhood) -> Match | None:
    """Rounding of what nobody else reads, or of what Relu makes."""
    if step.operator not in (ROUND, ROUND_IN_RANGE):
        return None
    name = step.inputs[0]
    maker, known = around.find_maker(name), dict(step.attributes)
    if around.find_sole(name, *OWN) is not None:
        known["overwrite"] = True
    if step.operator is ROUND_IN_RANGE and maker is not None and maker.operator in (RELU, OVERWRITTEN):
        known["positive"] = True
    return (
        None
        if known == step.attributes
        else Match(Step(step.name, step.operator, known, step.inputs, step.outputs, {}))
    )


def _find_limits(step: Step, around: Neighborhood) -> dict[str, float] | None:
    """Scale, and the limits less the zero point, where each is one number that never changes."""
    scale = around.find_number(step.inputs[1])
    zero = step.inputs[2] if len(step.inputs) > 2 else ""
    point = around.find_number(zero) if zero else 0.0
    if scale is None or point is None or step.attributes.get("output_dtype"):
        return None
    low, high = find_limits(around.stored[zero].dtype if zero else torch.uint8)
    return {"scale": scale, "low": low - point, "high": high - point}
