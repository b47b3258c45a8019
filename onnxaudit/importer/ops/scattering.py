"""Reads and writes at positions that are data: gathers by element, scatters, sorting, running sums."""

import torch
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_ints
from onnxaudit.importer.registry import op

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _count_from_start(indices: Tensor, size: int, device: torch.device) -> Tensor:
    position = indices.to(device, torch.int64)
    return torch.where(position < 0, position + size, position)


@op("GatherElements", since=11)
def gather_elements(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """One entry of an axis for each position in `indices`."""
    return data.gather(axis, _count_from_start(indices, data.shape[axis], data.device))


@op("GatherND", since=11)
def gather_tuples(data: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    """The part of `data` that each tuple in the last axis of `indices` points to."""
    depth = indices.shape[-1]
    batch = [
        torch.arange(size, device=data.device).reshape([-1 if i == axis else 1 for i in range(indices.ndim - 1)])
        for axis, size in enumerate(data.shape[:batch_dims])
    ]
    return data[(*batch, *_split_tuples(data, indices, batch_dims, depth))]


def _split_tuples(data: Tensor, indices: Tensor, first: int, depth: int) -> tuple[Tensor, ...]:
    return tuple(_count_from_start(indices[..., part], data.shape[first + part], data.device) for part in range(depth))


@op("Scatter", since=9)
def scatter(data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0) -> Tensor:
    """`data` with `updates` written to one entry of an axis for each position in `indices`."""
    return scatter_elements(data, indices, updates, axis=axis)


@op("ScatterElements", since=11)
def scatter_elements(
    data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    """`data` with `updates` written to, or combined with, one entry of an axis for each position in `indices`."""
    index = _count_from_start(indices, data.shape[axis], data.device)
    if reduction == "none":
        return data.scatter(axis, index, updates)
    return data.scatter_reduce(axis, index, updates, REDUCTIONS[reduction])


@op("ScatterND", since=11)
def scatter_tuples(data: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    """`data` with `updates` written to, or combined with, the parts that the tuples in `indices` point to."""
    depth = indices.shape[-1]
    index = _split_tuples(data, indices, 0, depth)
    if reduction in ("none", "add"):
        return data.index_put(index, updates, accumulate=reduction == "add")
    numbers = torch.arange(data.numel(), device=data.device).reshape(data.shape)
    flat = data.reshape(-1).scatter_reduce(0, numbers[index].reshape(-1), updates.reshape(-1), REDUCTIONS[reduction])
    return flat.reshape(data.shape)


@op("TensorScatter", since=24)
def write_cache(
    past_cache: Tensor,
    update: Tensor,
    write_indices: Tensor | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> Tensor:
    """A cache with `update` written along an axis, from each sample's own position on."""
    axis %= past_cache.ndim
    length = update.shape[axis]
    starts = torch.zeros(len(past_cache), dtype=torch.int64) if write_indices is None else write_indices
    position = starts.to(past_cache.device)[:, None] + torch.arange(length, device=past_cache.device)
    if mode == "circular":
        position = position % past_cache.shape[axis]
    shape = [1] * past_cache.ndim
    shape[0], shape[axis] = len(past_cache), length
    return past_cache.scatter(axis, position.reshape(shape).expand(update.shape), update)


@op("Trilu", since=14, static=("k",))
def keep_triangle(x: Tensor, k: StaticInts = None, *, upper: int = 1) -> Tensor:
    """The upper or lower triangle of each matrix, zero elsewhere."""
    diagonal = to_ints(k)[0] if k is not None else 0
    return torch.triu(x, diagonal) if upper else torch.tril(x, diagonal)


@op("NonZero", since=9)
def find_nonzero(x: Tensor) -> Tensor:
    """Positions of what is not zero, `(rank, count)`."""
    return torch.nonzero(x).t()


@op("Compress", since=9)
def select_where(data: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    """The entries of an axis (or of the flat tensor) for which the condition holds."""
    chosen = torch.nonzero(condition).reshape(-1).to(data.device)
    return data.reshape(-1).index_select(0, chosen) if axis is None else data.index_select(axis, chosen)


@op("TopK")
def find_top_by_attribute(x: Tensor, *, axis: int = -1, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest values along an axis and where they stand."""
    return find_top(x, k, axis=axis)


@op("TopK", since=10, static=("k",))
def find_top(
    x: Tensor,
    k: StaticInts,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002, ARG001 - sorted results are a valid answer to either
) -> tuple[Tensor, Tensor]:
    """The largest or smallest values along an axis and where they stand; the first of equal ones leads."""
    values, indices = torch.sort(x, dim=axis, descending=bool(largest), stable=True)
    count = to_ints(k)[0]
    return values.narrow(axis, 0, count), indices.narrow(axis, 0, count)


@op("Unique", since=11)
def find_unique(
    x: Tensor,
    *,
    axis: int | None = None,
    sorted: int = 1,  # noqa: A002
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Distinct values (or slices), where each first stands, which one each entry is, and how often each occurs."""
    data, along = (x.reshape(-1), 0) if axis is None else (x, axis)
    _, inverse, counts = torch.unique(data.detach(), return_inverse=True, return_counts=True, dim=along)
    position = torch.arange(len(inverse) - 1, -1, -1, device=x.device)
    first = torch.zeros_like(counts).scatter(0, inverse.flip(0), position)
    if not sorted:
        order = torch.argsort(first)
        first, counts, inverse = first[order], counts[order], torch.argsort(order)[inverse]
    # Read from the data itself, so that gradients find the way.
    return data.index_select(along, first), first, inverse, counts


@op("ReverseSequence", since=10)
def reverse_sequence(data: Tensor, sequence_lens: Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    """Each sample's first `sequence_lens` steps in reverse, the rest as they are."""
    length = data.shape[time_axis]
    time = torch.arange(length, device=data.device)[:, None]
    lens = sequence_lens.to(data.device)[None, :]
    source = torch.where(time < lens, lens - 1 - time, time)
    shape = [1] * data.ndim
    shape[time_axis], shape[batch_axis] = length, data.shape[batch_axis]
    source = source if time_axis < batch_axis else source.t()
    return data.gather(time_axis, source.reshape(shape).expand(data.shape))


@op("CumSum", since=11, static=("axis",))
def add_up(x: Tensor, axis: StaticInts, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Running sum along an axis."""
    along = to_ints(axis)[0]
    x = x.flip(along) if reverse else x
    total = x.cumsum(along, dtype=x.dtype)
    total = _delay(total, along, 0) if exclusive else total
    return total.flip(along) if reverse else total


@op("CumProd", since=26, static=("axis",))
def multiply_up(x: Tensor, axis: StaticInts, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Running product along an axis."""
    along = to_ints(axis)[0]
    x = x.flip(along) if reverse else x
    product = x.cumprod(along, dtype=x.dtype)
    product = _delay(product, along, 1) if exclusive else product
    return product.flip(along) if reverse else product


def _delay(x: Tensor, axis: int, start: int) -> Tensor:
    first = torch.full_like(x.narrow(axis, 0, 1), start)
    return torch.cat([first, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
