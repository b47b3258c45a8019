"""Sampling at positions that are data: grids and affine maps."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_ints
from onnxaudit.importer.registry import op

MODES = {"linear": "bilinear", "cubic": "bicubic"}


@op("GridSample", since=16)
def sample_grid(
    x: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    """`x` `(n, c, ...)` at the positions in `grid` `(n, ..., rank)`, each in [−1, 1]."""
    return F.grid_sample(
        x, grid, mode=MODES.get(mode, mode), padding_mode=padding_mode, align_corners=bool(align_corners)
    )


@op("AffineGrid", since=20, static=("size",))
def make_grid(theta: Tensor, size: StaticInts, *, align_corners: int = 0) -> Tensor:
    """Positions of an affine map of an image."""
    return F.affine_grid(theta, to_ints(size), bool(align_corners))


@op("Col2Im", since=18, static=("image_shape", "block_shape"))
def fold_columns(
    x: Tensor,
    image_shape: StaticInts,
    block_shape: StaticInts,
    *,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Columns `(n, c·block, windows)` added up to an image `(n, c, ...)`: the transpose of cutting it into windows."""
    image, block = to_ints(image_shape), to_ints(block_shape)
    rank = len(image)
    begin, end = (pads or [0] * 2 * rank)[:rank], (pads or [0] * 2 * rank)[rank:]
    padded = [size + b + e for size, b, e in zip(image, begin, end, strict=True)]
    position = torch.zeros(1, 1, dtype=torch.int64, device=x.device)
    for axis in range(rank):
        dilation, stride = (dilations or [1] * rank)[axis], (strides or [1] * rank)[axis]
        taps = torch.arange(block[axis], device=x.device) * dilation
        starts = torch.arange(0, padded[axis] - dilation * (block[axis] - 1), stride, device=x.device)
        along = taps[:, None] + starts[None, :]
        position = position[:, None, :, None] * padded[axis] + along[None, :, None, :]
        position = position.reshape(position.shape[0] * block[axis], -1)
    size = torch.Size(padded).numel()
    columns = x.reshape(x.shape[0], -1, position.numel())
    flat = columns.new_zeros(*columns.shape[:2], size).index_add(2, position.reshape(-1), columns)
    canvas = flat.reshape(*columns.shape[:2], *padded)
    for axis in range(rank):
        canvas = canvas.narrow(2 + axis, begin[axis], image[axis])
    return canvas


@op("MaxUnpool", since=9, static=("output_shape",))
def unpool_maximum(
    x: Tensor,
    indices: Tensor,
    output_shape: StaticInts = None,
    *,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Values put back to where the pool took them from, zero elsewhere; the indices count in the smallest shape."""
    rank = len(kernel_shape)
    stride, padding = strides or [1] * rank, pads or [0] * 2 * rank
    inner = [(x.shape[2 + i] - 1) * stride[i] - padding[i] - padding[rank + i] + kernel_shape[i] for i in range(rank)]
    shape = [*x.shape[:2], *inner]
    flat = x.new_zeros(torch.Size(shape).numel()).scatter(0, indices.reshape(-1), x.reshape(-1))
    y = flat.reshape(shape)
    wanted = to_ints(output_shape) or shape
    grow = [pad for have, want in zip(reversed(shape), reversed(wanted), strict=True) for pad in (0, want - have)]
    return F.pad(y, grow)


@op("CenterCropPad", since=18, static=("shape",))
def crop_or_pad(data: Tensor, shape: StaticInts, *, axes: list[int] | None = None) -> Tensor:
    """Cropped or padded with zeros to `shape` around the center."""
    for axis, want in zip(axes if axes is not None else range(data.ndim), to_ints(shape), strict=True):
        missing = want - data.shape[axis]
        if missing < 0:
            data = data.narrow(axis, -missing // 2, want)
        else:
            before = missing // 2
            pads = [0] * 2 * data.ndim
            pads[2 * (data.ndim - 1 - axis % data.ndim)] = before
            pads[2 * (data.ndim - 1 - axis % data.ndim) + 1] = missing - before
            data = F.pad(data, pads)
    return data
