"""Soft versions of operators: what a gradient can follow in place of tests, rounding, choices and saturation."""

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.graph import Step
from onnxaudit.importer.tensors import find_dtype

Function = Callable[..., Any]
TAIL = 0.1  # of a dead ReLU's unit
LEAST = 1e-12
LARGEST_TABLE = 2**22  # indices x entries that are mixed


def rise(value: Tensor) -> Tensor:
    """From (−∞, ∞) to (0, 1), 1/2 at 0, with heavy tails."""
    return 0.5 * (1.0 + value / (1.0 + value.abs()))


def near(apart: Tensor) -> Tensor:
    """1 at 0, falling to both sides, with heavy tails."""
    return 1.0 / (1.0 + apart.abs())


def _greater(a: Any, b: Any) -> Tensor:
    return rise(8.0 * (as_number(a) - as_number(b)))


def _less(a: Any, b: Any) -> Tensor:
    return rise(8.0 * (as_number(b) - as_number(a)))


def is_equal(a: Any, b: Any) -> Tensor:
    """How near two numbers are."""
    return near(8.0 * (as_number(a) - as_number(b)))


def as_number(value: Any) -> Tensor:
    """Whatever it is as floats."""
    tensor = torch.as_tensor(value)
    return tensor if tensor.is_floating_point() else tensor.to(torch.float32)


def _and(a: Any, b: Any) -> Tensor:
    return (as_number(a) * as_number(b) + LEAST).sqrt()  # a long chain of products would come to nothing


def _or(a: Any, b: Any) -> Tensor:
    first, second = as_number(a), as_number(b)
    return first + second - first * second


def _xor(a: Any, b: Any) -> Tensor:
    first, second = as_number(a), as_number(b)
    return first + second - 2.0 * first * second


def _not(a: Any) -> Tensor:
    return 1.0 - as_number(a)


def _where(condition: Any, x: Any, y: Any) -> Tensor:
    share = torch.as_tensor(condition)
    if not share.is_floating_point():
        return torch.where(share.bool(), as_number(x), as_number(y))
    return share * as_number(x) + (1.0 - share) * as_number(y)


def _select(condition: Any, x: Any, y: Any) -> Tensor:
    rows = as_number(condition).reshape(-1)
    shape = () if rows.numel() == 1 else (-1, *(1,) * (as_number(x).ndim - 1))
    return _where(rows.reshape(shape), x, y)


def _keep(x: Any, *rest: Any) -> Tensor:
    del rest
    return as_number(x)


def _modulo(a: Any, b: Any) -> Tensor:
    first, second = as_number(a), as_number(b)
    return first - (second * torch.floor(first / second)).detach()


def _bits(function: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """Operators on bits, with the gradient of the identity."""

    def compute(a: Any, b: Any) -> Tensor:
        value, whole = as_number(a), torch.as_tensor(b).long()
        return value + (function(value.detach().round().long(), whole).to(value.dtype) - value).detach()

    return compute


def _shift(step: Step) -> Function:
    """Whole numbers times or by a power of two."""
    right = step.attributes.get("direction") == "RIGHT"

    def compute(a: Any, b: Any) -> Tensor:
        factor = 2.0 ** as_number(b)
        return _round_through(torch.floor)(as_number(a) / factor) if right else as_number(a) * factor

    return compute


def _round_through(function: Callable[[Tensor], Tensor]) -> Function:
    def compute(x: Any) -> Tensor:
        value = as_number(x)
        return value + (function(value) - value).detach()

    return compute


def _cast_through(x: Any, *rest: Any, **attributes: Any) -> Tensor:
    """A Cast with gradients: whole numbers are held as double floats, which hold 53 bits exactly."""
    del rest
    value = as_number(x).to(torch.float64)
    kind = attributes.get("to")
    whole = kind is not None and not (find_dtype(int(kind)).is_floating_point or find_dtype(int(kind)) is torch.bool)
    return value + (torch.trunc(value) - value).detach() if whole else value


def _sign(x: Any) -> Tensor:
    return 2.0 * rise(8.0 * as_number(x)) - 1.0


def _relu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + TAIL, TAIL / (1.0 + x.abs() / TAIL))


def _ramp(x: Tensor, *rest: Any) -> Tensor:
    del rest
    return _relu(x)


def _power(x: Any, exponent: Any) -> Tensor:
    """A base below 1 to a high power: what is raised, which rises with it."""
    del exponent
    return as_number(x)


def _exponential(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + 1.0, 1.0 / (1.0 + x.abs()))


def _product(step: Step) -> Function:
    """The geometric mean over the axes of a ReduceProd."""
    keep = bool(step.attributes.get("keepdims", 1))

    def compute(data: Any, axes: Any = None) -> Tensor:
        chosen = step.attributes.get("axes") if axes is None else torch.as_tensor(axes).flatten().tolist()
        logs = (as_number(data).clamp_min(0.0) + 1e-3).log()
        return logs.mean(tuple(chosen) if chosen else None, keepdim=keep).exp()

    return compute


def _share(step: Step) -> Function:
    """A Softmax at such a temperature that no entry comes to nothing."""
    axis = int(step.attributes.get("axis", -1))

    def compute(x: Tensor) -> Tensor:
        spread = (x.detach().amax(axis, keepdim=True) - x.detach().amin(axis, keepdim=True)).clamp_min(1.0)
        return torch.softmax(4.0 * x / spread, axis)

    return compute


def _sigmoid(x: Tensor) -> Tensor:
    return rise(x / 4.0)


def _clip(x: Any, low: Any = None, high: Any = None) -> Tensor:
    value = as_number(x)
    if low is None or high is None:
        bound = low if high is None else high
        edge = 0.0 if bound is None else float(torch.as_tensor(bound).flatten()[0])
        return edge + (_relu(value - edge) if high is None else -_relu(edge - value))
    bottom, top = (float(torch.as_tensor(bound).flatten()[0]) for bound in (low, high))
    width = max(top - bottom, 1e-6)
    return bottom + width * rise(4.0 * ((value - bottom) / width - 0.5))


def _maximum(*values: Any) -> Tensor:
    numbers = [as_number(value) for value in values]
    if len(numbers) != 2:
        return reduce(torch.maximum, numbers)
    first, second = numbers
    return second + _relu(first - second) if first.requires_grad else first + _relu(second - first)


def _minimum(*values: Any) -> Tensor:
    numbers = [as_number(value) for value in values]
    if len(numbers) != 2:
        return reduce(torch.minimum, numbers)
    first, second = numbers
    return second - _relu(second - first) if first.requires_grad else first - _relu(first - second)


def _position(step: Step, sign: float) -> Function:
    """The position of the largest entry as a mean over positions, weighed by how large they are."""
    axis, keep = int(step.attributes.get("axis", 0)), bool(step.attributes.get("keepdims", 1))

    def compute(data: Any) -> Tensor:
        value = sign * as_number(data)
        spread = (value.detach().amax(axis, keepdim=True) - value.detach().amin(axis, keepdim=True)).clamp_min(1e-6)
        share = torch.softmax(8.0 * value / spread, axis)
        shape = [1] * value.ndim
        shape[axis] = -1
        places = torch.arange(value.shape[axis], dtype=value.dtype, device=value.device).reshape(shape)
        return (share * places).sum(axis, keepdim=keep)

    return compute


def _gather(step: Step) -> Function:
    """Entries of a table, mixed by how near the index is to theirs."""
    axis, exact = int(step.attributes.get("axis", 0)), step.function

    def compute(data: Any, indices: Any) -> Any:
        place = torch.as_tensor(indices)
        if not place.is_floating_point():
            return exact(data, indices)
        table = as_number(data).movedim(axis, 0)
        last = len(table) - 1
        place = place.clamp(0, last)
        if place.numel() * len(table) <= LARGEST_TABLE:
            far = place[..., None] - torch.arange(len(table), dtype=place.dtype, device=place.device)
            nearness = near(far) ** 2
            found = torch.tensordot(nearness / nearness.sum(-1, keepdim=True), table, dims=([-1], [0]))
        else:
            low = place.floor().clamp_max(last).long()
            share = (place - low).reshape(*place.shape, *(1,) * (table.ndim - 1))
            found = (1.0 - share) * table[low] + share * table[(low + 1).clamp_max(last)]
        return found.movedim(tuple(range(place.ndim)), tuple(range(axis, axis + place.ndim)))

    return compute


def _bounded_clip(step: Step) -> Function:
    """A Clip whose bounds are attributes, where it is saturated."""
    low, high = step.attributes.get("min"), step.attributes.get("max")
    return lambda x: _clip(x, low, high)


TESTS: Mapping[str, Function] = {
    "Greater": _greater,
    "GreaterOrEqual": _greater,
    "Less": _less,
    "LessOrEqual": _less,
    "Equal": is_equal,
    "And": _and,
    "Or": _or,
    "Xor": _xor,
    "Not": _not,
    "Where": _where,
    "If": _select,
    "Mod": _modulo,
    "Floor": _round_through(torch.floor),
    "Ceil": _round_through(torch.ceil),
    "Round": _round_through(torch.round),
    "Sign": _sign,
    "BitwiseAnd": _bits(torch.bitwise_and),
    "BitwiseOr": _bits(torch.bitwise_or),
    "BitwiseXor": _bits(torch.bitwise_xor),
    "Cast": _keep,
    "CastLike": _keep,
}
EXACT: Mapping[str, Function] = {
    **{kind: TESTS[kind] for kind in ("Mod", "Floor", "Ceil", "Round", "BitwiseAnd", "BitwiseOr", "BitwiseXor")},
}
SATURATING: Mapping[str, Function] = {
    **dict.fromkeys(("Relu", "LeakyRelu", "Elu", "Celu", "Selu", "Gelu", "Softplus", "HardSwish", "Swish"), _relu),
    **dict.fromkeys(("Mish", "ThresholdedRelu", "Shrink", "PRelu"), _ramp),
    "Exp": _exponential,
    "Pow": _power,
    "Sigmoid": _sigmoid,
    "HardSigmoid": _sigmoid,
    "Tanh": lambda x: 2.0 * rise(x) - 1.0,
    "Clip": _clip,
    "Max": _maximum,
    "Min": _minimum,
}
BY_STEP: Mapping[str, Callable[[Step], Function]] = {
    "ArgMax": lambda step: _position(step, 1.0),
    "ArgMin": lambda step: _position(step, -1.0),
    "Gather": _gather,
    "BitShift": _shift,
}
SATURATING_BY_STEP: Mapping[str, Callable[[Step], Function]] = {"ReduceProd": _product, "Softmax": _share}


def find_soft(step: Step, kind: str, *, saturated: bool) -> Function | None:
    """What stands for a step's operator where gradients are wanted; None where it is itself.

    Args:
        step: of a flow.
        kind: its operator's name.
        saturated: whether it hardly moves on clean images.
    """
    if kind in BY_STEP:
        return BY_STEP[kind](step)
    if kind == "Clip" and step.attributes:
        return _bounded_clip(step) if saturated else None
    if saturated and kind in SATURATING_BY_STEP:
        return SATURATING_BY_STEP[kind](step)
    return TESTS.get(kind, SATURATING.get(kind) if saturated else None)


def find_exact(step: Step, kind: str) -> Function | None:
    """The same values with gradients, for a step that rounds; None for all others."""
    if kind == "Cast":
        return partial(_cast_through, **step.attributes)
    return _shift(step) if kind == "BitShift" else EXACT.get(kind)
