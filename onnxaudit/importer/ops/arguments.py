"""Inputs that shape a computation, as Python values."""

from collections.abc import Sequence

from torch import Tensor

StaticInts = Tensor | Sequence[int] | int | float | None
StaticNumber = Tensor | Sequence[float] | float | None


def to_ints(value: StaticInts) -> list[int]:
    """A list of ints from a constant or from a tensor that was computed on the way; empty where there is none."""
    if value is None:
        return []
    if isinstance(value, int | float):
        return [int(value)]
    return [int(item) for item in (value.reshape(-1).tolist() if isinstance(value, Tensor) else value)]


def to_axes(value: StaticInts, rank: int) -> list[int]:
    """`to_ints` with negative axes counted from the end."""
    return [axis % rank for axis in to_ints(value)]


def to_number(value: StaticNumber, default: float) -> float:
    """A number from a constant or from a tensor with one element."""
    if value is None:
        return default
    if isinstance(value, Sequence):
        return float(value[0])
    return float(value.item() if isinstance(value, Tensor) else value)
