"""Slices, gathers and pads."""

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, StaticNumber, to_axes, to_ints, to_number
from onnxaudit.importer.ops.padding import interleave
from onnxaudit.importer.registry import op


@op("Slice")
def slice_by_attributes(data: Tensor, *, axes: list[int] | None = None, ends: list[int], starts: list[int]) -> Tensor:
    """A part of each axis."""
    return slice_axes(data, starts, ends, axes)


@op("Slice", since=10, static=("starts", "ends", "axes", "steps"))
def slice_axes(
    data: Tensor, starts: StaticInts, ends: StaticInts, axes: StaticInts = None, steps: StaticInts = None
) -> Tensor:
    """A part of each axis; backwards where the step is negative."""
    begins, stops = to_ints(starts), to_ints(ends)
    chosen = to_axes(axes, data.ndim) if axes is not None else list(range(len(begins)))
    strides = to_ints(steps) or [1] * len(begins)
    index = [slice(None)] * data.ndim
    reverse = []
    for axis, begin, stop, step in zip(chosen, begins, stops, strides, strict=True):
        taken = range(*slice(begin, _stop(stop, step, data.shape[axis]), step).indices(data.shape[axis]))
        if step < 0:
            taken = taken[::-1]
            reverse.append(axis)
        index[axis] = slice(taken.start, max(taken.stop, taken.start), taken.step)
    return data[tuple(index)].flip(reverse) if reverse else data[tuple(index)]


def _stop(stop: int, step: int, size: int) -> int | None:
    """ONNX's end as Python's: walking backwards, anything before the first element means "to the start"."""
    return None if step < 0 and stop < -size else stop


@op("Gather")
def gather(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """Entries of one axis; the axes of `indices` take its place."""
    axis %= data.ndim
    index = indices.to(data.device, torch.int64)
    index = torch.where(index < 0, index + data.shape[axis], index)
    taken = data.index_select(axis, index.reshape(-1))
    return taken.reshape((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))


@op("Split", since=2)
def split_by_attribute(
    data: Tensor, *, axis: int = 0, split: list[int] | None = None, outputs: int = 1
) -> tuple[Tensor, ...]:
    """Parts of an axis, of the sizes given or equal."""
    return split_axis(data, split, axis=axis, outputs=outputs)


@op("Split", since=13, static=("split",))
def split_axis(
    data: Tensor, split: StaticInts = None, *, axis: int = 0, num_outputs: int | None = None, outputs: int = 1
) -> tuple[Tensor, ...]:
    """Parts of an axis, of the sizes given or equal; the last may be smaller."""
    sizes = to_ints(split)
    if not sizes:
        count, total = num_outputs or outputs, data.shape[axis]
        size = -(-total // count)
        sizes = [max(0, min(size, total - size * part)) for part in range(count)]
    return torch.split(data, sizes, axis)


@op("Pad", since=2)
def pad_by_attributes(data: Tensor, *, mode: str = "constant", pads: list[int], value: float = 0.0) -> Tensor:
    """The tensor with more (or, for negative pads, less) at both ends of each axis."""
    return pad(data, pads, value, mode=mode)


@op("Pad", since=11, static=("pads", "constant_value", "axes"))
def pad(
    data: Tensor,
    pads: StaticInts,
    constant_value: StaticNumber = None,
    axes: StaticInts = None,
    *,
    mode: str = "constant",
) -> Tensor:
    """The tensor with more (or, for negative pads, less) at both ends of each axis."""
    amounts = to_ints(pads)
    chosen = to_axes(axes, data.ndim) if axes is not None else list(range(data.ndim))
    begin, end = [0] * data.ndim, [0] * data.ndim
    for position, axis in enumerate(chosen):
        begin[axis], end[axis] = amounts[position], amounts[position + len(chosen)]
    if mode == "constant":
        return F.pad(data, interleave(begin, end), value=to_number(constant_value, 0.0))
    padded = (axis for axis in range(data.ndim) if begin[axis] or end[axis])
    return reduce(lambda x, axis: _pad_axis(x, axis, begin[axis], end[axis], mode), padded, data)


def _pad_axis(x: Tensor, axis: int, begin: int, end: int, mode: str) -> Tensor:
    size = x.shape[axis]
    position = torch.arange(-begin, size + end, device=x.device)
    if mode == "edge":
        position = position.clamp(0, size - 1)
    elif mode == "wrap":
        position = position % size
    else:
        period = max(1, 2 * (size - 1))
        position = position % period
        position = torch.minimum(position, period - position)
    return x.index_select(axis, position)
