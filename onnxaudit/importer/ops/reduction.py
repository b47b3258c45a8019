"""Reductions over axes, which are an attribute in old opsets and an input in new ones."""

from collections.abc import Callable

import torch
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_axes
from onnxaudit.importer.registry import op

Reduce = Callable[[Tensor, list[int], bool], Tensor]


def _multiply(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keepdims)
    return x


def _average(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    if x.is_floating_point():
        return x.mean(axes, keepdim=keepdims)
    count = torch.Size(x.shape[axis] for axis in axes).numel()
    return torch.div(_add(x, axes, keepdims), count, rounding_mode="trunc").to(x.dtype)


def _add(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    return x.sum(axes, keepdim=keepdims, dtype=x.dtype)


def _norm(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    if not x.is_floating_point():
        return _add(x * x, axes, keepdims).float().sqrt().to(x.dtype)
    return torch.linalg.vector_norm(x, 2, axes, keepdim=keepdims)  # type: ignore[no-any-return]


def _maximum(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    return _over_nothing(x, axes, keepdims, greatest=False) if _is_empty(x, axes) else x.amax(axes, keepdim=keepdims)


def _minimum(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    return _over_nothing(x, axes, keepdims, greatest=True) if _is_empty(x, axes) else x.amin(axes, keepdim=keepdims)


def _is_empty(x: Tensor, axes: list[int]) -> bool:
    return any(x.shape[axis] == 0 for axis in axes)


def _over_nothing(x: Tensor, axes: list[int], keepdims: bool, *, greatest: bool) -> Tensor:
    """The neutral value of a minimum or maximum, where there is nothing to reduce."""
    shape = _add(x, axes, keepdims).shape
    if x.is_floating_point():
        return x.new_full(shape, torch.inf if greatest else -torch.inf)
    if x.dtype is torch.bool:
        return x.new_full(shape, greatest)
    return x.new_full(shape, torch.iinfo(x.dtype).max if greatest else torch.iinfo(x.dtype).min)


REDUCTIONS: dict[str, Reduce] = {
    "ReduceL1": lambda x, axes, keepdims: _add(x.abs(), axes, keepdims),
    "ReduceL2": _norm,
    "ReduceLogSum": lambda x, axes, keepdims: _add(x, axes, keepdims).log(),
    "ReduceLogSumExp": lambda x, axes, keepdims: torch.logsumexp(x, axes, keepdim=keepdims),
    "ReduceMax": _maximum,
    "ReduceMean": _average,
    "ReduceMin": _minimum,
    "ReduceProd": _multiply,
    "ReduceSum": _add,
    "ReduceSumSquare": lambda x, axes, keepdims: _add(x * x, axes, keepdims),
}
AXES_BECAME_INPUT = {"ReduceSum": 13}  # all others in opset 18


def _by_attribute(reduce: Reduce) -> Callable[..., Tensor]:
    def compute(data: Tensor, *, axes: list[int] | None = None, keepdims: int = 1) -> Tensor:
        return reduce(data, to_axes(axes, data.ndim) or list(range(data.ndim)), bool(keepdims))

    return compute


def _by_input(reduce: Reduce) -> Callable[..., Tensor]:
    def compute(data: Tensor, axes: StaticInts = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        chosen = to_axes(axes, data.ndim)
        if not chosen and noop_with_empty_axes:
            # Over an axis of one: what the operator does besides reducing (log, square) stays.
            return reduce(data.unsqueeze(0), [0], False)
        return reduce(data, chosen or list(range(data.ndim)), bool(keepdims))

    return compute


for _name, _reduce in REDUCTIONS.items():
    op(_name)(_by_attribute(_reduce))
    op(_name, since=AXES_BECAME_INPUT.get(_name, 18), static=("axes",))(_by_input(_reduce))


@op("ArgMax")
def find_largest(data: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """Position of the largest value along an axis, the first or the last of several."""
    if not select_last_index:
        return data.argmax(axis, keepdim=bool(keepdims))
    return data.shape[axis] - 1 - data.flip(axis).argmax(axis, keepdim=bool(keepdims))


@op("ArgMin")
def find_smallest(data: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """Position of the smallest value along an axis, the first or the last of several."""
    if not select_last_index:
        return data.argmin(axis, keepdim=bool(keepdims))
    return data.shape[axis] - 1 - data.flip(axis).argmin(axis, keepdim=bool(keepdims))
