"""Elementwise arithmetic, comparison and logic, with numpy's broadcasting, which is torch's."""

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.registry import op


def whole(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """An operator on bits; whole numbers that the copy holds as floats (a model of bytes) are made whole for it."""

    def compute(*values: Tensor, **attributes: Any) -> Tensor:
        held = next((value.dtype for value in values if value.is_floating_point()), None)
        made = function(*(value.long() if value.is_floating_point() else value for value in values), **attributes)
        return made if held is None else made.to(held)

    return compute


UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs,
    "Acos": torch.acos,
    "Acosh": torch.acosh,
    "Asin": torch.asin,
    "Asinh": torch.asinh,
    "Atan": torch.atan,
    "Atanh": torch.atanh,
    "BitwiseNot": whole(torch.bitwise_not),
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Det": torch.linalg.det,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "Identity": lambda x: x,
    "IsNaN": torch.isnan,
    "Log": torch.log,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Round": torch.round,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Sqrt": torch.sqrt,
    "Tan": torch.tan,
    "Tanh": torch.tanh,
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Add": operator.add,
    "And": torch.logical_and,
    "BitwiseAnd": whole(torch.bitwise_and),
    "BitwiseOr": whole(torch.bitwise_or),
    "BitwiseXor": whole(torch.bitwise_xor),
    "Equal": torch.eq,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
    "Less": torch.lt,
    "LessOrEqual": torch.le,
    "Mul": operator.mul,
    "Or": torch.logical_or,
    "Sub": operator.sub,
    "Xor": torch.logical_xor,
}


def _unary(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def compute(x: Tensor) -> Tensor:
        return function(x)

    return compute


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def compute(a: Tensor, b: Tensor) -> Tensor:
        return function(a, b)

    return compute


for _name in UNARY:
    op(_name)(_unary(UNARY[_name]))
for _name in BINARY:
    op(_name, since=7)(_binary(BINARY[_name]))


@op("Div", since=7)
def divide(a: Tensor, b: Tensor) -> Tensor:
    """Integers are divided towards zero."""
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


@op("Pow", since=7)
def power(x: Tensor, y: Tensor) -> Tensor:
    """The result has the type of the base."""
    return torch.pow(x, y).to(x.dtype)


@op("Mod", since=10)
def modulo(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    """The sign follows the divisor, or the dividend with `fmod`."""
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


@op("BitShift", since=11)
def shift(x: Tensor, y: Tensor, *, direction: str) -> Tensor:
    """Bits shifted by `y` places."""
    return whole(torch.bitwise_left_shift if direction == "LEFT" else torch.bitwise_right_shift)(x, y)


@op("IsInf", since=10)
def is_infinite(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    """Where `x` is infinite, of the signs asked for."""
    return (torch.isneginf(x) & bool(detect_negative)) | (torch.isposinf(x) & bool(detect_positive))


@op("Where", since=9)
def where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`x` where the condition holds, else `y`."""
    return torch.where(condition, x, y)


@op("Sum", since=6)
def add_all(*data: Tensor) -> Tensor:
    """Sum of any number of tensors."""
    return reduce(torch.add, data)


@op("Mean", since=6)
def average_all(*data: Tensor) -> Tensor:
    """Mean of any number of tensors."""
    return reduce(torch.add, data) / len(data)


@op("Max", since=6)
def maximum(*data: Tensor) -> Tensor:
    """Elementwise maximum of any number of tensors."""
    return reduce(torch.maximum, data)


@op("Min", since=6)
def minimum(*data: Tensor) -> Tensor:
    """Elementwise minimum of any number of tensors."""
    return reduce(torch.minimum, data)


@op("Clip", since=6)
def clip_by_attributes(x: Tensor, *, min: float | None = None, max: float | None = None) -> Tensor:  # noqa: A002
    """`x` limited to [min, max]."""
    return x if min is None and max is None else torch.clamp(x, min, max)


@op("Clip", since=11, static=("min", "max"))
def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:  # noqa: A002
    """`x` limited to [min, max]; either may be a number or a tensor."""
    if min is None and max is None:
        return x
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        low = min if min is None else torch.as_tensor(min, dtype=x.dtype, device=x.device)
        high = max if max is None else torch.as_tensor(max, dtype=x.dtype, device=x.device)
        return torch.clamp(x, low, high)
    # With low > high every value becomes high, in torch as in ONNX.
    return torch.clamp(x, min, max)
