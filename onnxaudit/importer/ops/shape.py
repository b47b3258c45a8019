"""Shapes and the order of axes. Sizes are computed on the CPU, whatever the device of the data."""

import math

import torch
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_axes, to_ints
from onnxaudit.importer.registry import op
from onnxaudit.importer.tensors import find_dtype


@op("Shape", described=("data",))
def read_shape(data: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    """The shape, or the part of it from `start` to `end`."""
    return torch.tensor(data.shape[start:end], dtype=torch.int64)


@op("Size", described=("data",))
def count_elements(data: Tensor) -> Tensor:
    """The number of elements."""
    return torch.tensor(data.numel())


@op("Reshape", since=5, static=("shape",))
def reshape(data: Tensor, shape: StaticInts, *, allowzero: int = 0) -> Tensor:
    """The same elements in another shape; a zero keeps the axis unless `allowzero`."""
    sizes = to_ints(shape)
    if not allowzero:
        sizes = [data.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return data.reshape(sizes)


@op("Flatten")
def flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    """A matrix: axes before `axis` become rows, the others columns."""
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@op("Squeeze")
def squeeze_by_attribute(data: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Without the axes of one named, or without all of them."""
    return data.squeeze(to_axes(axes, data.ndim)) if axes else data.squeeze()


@op("Squeeze", since=13, static=("axes",))
def squeeze(data: Tensor, axes: StaticInts = None) -> Tensor:
    """Without the axes of one named, or without all of them."""
    chosen = to_axes(axes, data.ndim) if axes is not None else []
    return data.squeeze(chosen) if chosen else data.squeeze()


@op("Unsqueeze")
def unsqueeze_by_attribute(data: Tensor, *, axes: list[int]) -> Tensor:
    """With new axes of one; `axes` are positions in the result."""
    return unsqueeze(data, axes)


@op("Unsqueeze", since=13, static=("axes",))
def unsqueeze(data: Tensor, axes: StaticInts) -> Tensor:
    """With new axes of one; `axes` are positions in the result."""
    chosen = to_ints(axes)
    for axis in sorted(to_axes(chosen, data.ndim + len(chosen))):
        data = data.unsqueeze(axis)
    return data


@op("Transpose")
def transpose(data: Tensor, *, perm: list[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default."""
    return data.permute(perm if perm is not None else list(range(data.ndim))[::-1])


@op("Expand", since=8, static=("shape",))
def expand(data: Tensor, shape: StaticInts) -> Tensor:
    """Broadcast to `shape`, whose entries of one change nothing."""
    sizes = torch.broadcast_shapes(data.shape, tuple(to_ints(shape)))  # type: ignore[no-untyped-call]
    return data.expand(sizes)


@op("Tile", since=6, static=("repeats",))
def tile(data: Tensor, repeats: StaticInts) -> Tensor:
    """The tensor repeated along each axis."""
    return data.repeat(to_ints(repeats))


@op("Concat", since=4)
def concatenate(*inputs: Tensor, axis: int) -> Tensor:
    """Tensors joined along an axis."""
    return torch.cat(inputs, axis)


@op("Cast", since=6)
def cast(data: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:  # noqa: ARG001
    """Another element type; `saturate` and `round_mode` matter for 8-bit floats only."""
    return data.to(find_dtype(to))


@op("CastLike", since=15, described=("target_type",))
def cast_like(data: Tensor, target_type: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:  # noqa: ARG001
    """The element type of another tensor."""
    return data.to(target_type.dtype)


@op("Dropout", since=7)
def keep_all(data: Tensor, *, ratio: float = 0.5, outputs: int = 1) -> Tensor | tuple[Tensor, Tensor]:  # noqa: ARG001
    """The identity, as dropout is outside training; the mask keeps everything."""
    return data if outputs == 1 else (data, torch.ones_like(data, dtype=torch.bool))


@op("Dropout", since=12, static=("ratio", "training_mode"))
def drop(
    data: Tensor,
    ratio: float | None = None,
    training_mode: Tensor | bool | None = None,
    *,
    seed: int | None = None,  # noqa: ARG001
    outputs: int = 1,
) -> Tensor | tuple[Tensor, Tensor]:
    """The identity; a graph that insists on training mode cannot be audited."""
    if training_mode is not None and bool(training_mode) and ratio != 0:
        raise NotImplementedError("it drops values at random even outside training")
    return data if outputs == 1 else (data, torch.ones_like(data, dtype=torch.bool))


@op("DepthToSpace")
def spread_channels(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels `(n, c·b², h, w)` laid out as `b × b` blocks of pixels."""
    n, c, h, w = x.shape
    depth = c // blocksize**2
    if mode == "DCR":
        blocks = x.reshape(n, blocksize, blocksize, depth, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        blocks = x.reshape(n, depth, blocksize, blocksize, h, w).permute(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, depth, h * blocksize, w * blocksize)


@op("SpaceToDepth")
def stack_pixels(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of `b × b` pixels laid out as channels."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return blocks.permute(order).reshape(n, c * blocksize**2, h // blocksize, w // blocksize)


@op("BitCast", since=26)
def reinterpret(data: Tensor, *, to: int) -> Tensor:
    """The same bits as another element type of the same size."""
    return data.view(find_dtype(to))
