"""Tensors made from sizes and numbers."""

import torch
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_ints
from onnxaudit.importer.registry import op


@op("ConstantOfShape", since=9, static=("shape",))
def fill(shape: StaticInts, *, value: Tensor | None = None) -> Tensor:
    """A tensor of one value, float zero by default."""
    number = torch.zeros(1) if value is None else value
    return number.reshape(()).expand(to_ints(shape)).clone()


@op("Range", since=11)
def count(start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    """Numbers from `start` to below `limit`."""
    return torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)
