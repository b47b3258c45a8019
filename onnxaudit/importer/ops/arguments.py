"""Inputs that shape a computation, as Python values."""

from collections.abc import Sequence

from torch import Tensor

StaticInts = Tensor | Sequence[int] | int | None
StaticNumber = Tensor | float | None


def to_ints(value: StaticInts) -> list[int]:
    """A list of ints from a constant or from a tensor that was computed on the way; empty where there is none."""
    if value is None:
        return []
    if isinstance(value, int):
        return [value]
    return [int(item) for item in (value.reshape(-1).tolist() if isinstance(value, Tensor) else value)]


def to_axes(value: StaticInts, rank: int) -> list[int]:
    """`to_ints` with negative axes counted from the end."""
    return [axis % rank for axis in to_ints(value)]


def to_number(value: StaticNumber, default: float) -> float:
    """A number from a constant or from a tensor with one element."""
    if value is None:
        return default
    return float(value.item() if isinstance(value, Tensor) else value)
