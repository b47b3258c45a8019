"""Sampling between pixels at learned positions: regions of interest and deformable convolutions."""

import math

import torch
from torch import Tensor

from onnxaudit.importer.ops.linear import einsum
from onnxaudit.importer.registry import op


@op("RoiAlign", since=10)
def align_regions_without_offset(
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    """`align_regions` as it was before pixels had centers."""
    return align_regions(
        x,
        rois,
        batch_indices,
        coordinate_transformation_mode="output_half_pixel",
        mode=mode,
        output_height=output_height,
        output_width=output_width,
        sampling_ratio=sampling_ratio,
        spatial_scale=spatial_scale,
    )


@op("RoiAlign", since=16)
def align_regions(
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    """Boxes `(r, 4)` of images resampled to one size: mean or maximum of interpolated samples in each cell."""
    half = coordinate_transformation_mode == "half_pixel"
    regions = []
    for box, image in zip(rois, batch_indices.tolist(), strict=True):
        left, top, right, bottom = (box * spatial_scale - (0.5 if half else 0.0)).unbind()
        height, width = bottom - top, right - left
        if not half:
            height, width = height.clamp(min=1), width.clamp(min=1)
        ys, rows = _place_samples(top, height, output_height, sampling_ratio)
        xs, columns = _place_samples(left, width, output_width, sampling_ratio)
        weights = _weigh(ys, x.shape[2]), _weigh(xs, x.shape[3])
        if mode == "avg":
            samples = einsum(x[image], *weights, equation="chw,ih,jw->cij")
            cells = samples.reshape(-1, output_height, rows, output_width, columns).mean((2, 4))
        else:
            # The maximum is taken over the weighted corners, before they are added.
            corners = torch.stack([_pick(x[image], ys, xs, dy, dx) for dy in (0, 1) for dx in (0, 1)])
            cells = corners.amax(0).reshape(-1, output_height, rows, output_width, columns).amax((2, 4))
        regions.append(cells)
    return torch.stack(regions) if regions else x.new_zeros(0, x.shape[1], output_height, output_width)


def _place_samples(start: Tensor, size: Tensor, cells: int, ratio: int) -> tuple[Tensor, int]:
    count = ratio if ratio > 0 else max(1, math.ceil(float(size) / cells))
    steps = torch.arange(cells * count, device=start.device, dtype=start.dtype) + 0.5
    return start + steps * (size / (cells * count)), count


def _split(position: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixel before each position, the share of the one behind it, and whether the position counts at all."""
    inside = (position >= -1) & (position <= size)
    clamped = position.clamp(0, size - 1)
    before = clamped.detach().floor().clamp(max=max(0, size - 2))
    return before.long(), clamped - before, inside


def _weigh(position: Tensor, size: int) -> Tensor:
    """Bilinear weights `(positions, size)`."""
    before, share, inside = _split(position, size)
    weights = torch.zeros(len(position), size, dtype=position.dtype, device=position.device)
    weights = weights.scatter_add(1, before[:, None], (1 - share)[:, None])
    weights = weights.scatter_add(1, (before + 1).clamp(max=size - 1)[:, None], share[:, None])
    return weights * inside[:, None]


def _pick(image: Tensor, ys: Tensor, xs: Tensor, dy: int, dx: int) -> Tensor:
    """One weighted corner of each sample `(c, ys, xs)`."""
    top, row_share, row_inside = _split(ys, image.shape[1])
    left, column_share, column_inside = _split(xs, image.shape[2])
    rows, columns = (top + dy).clamp(max=image.shape[1] - 1), (left + dx).clamp(max=image.shape[2] - 1)
    row_weight = (row_share if dy else 1 - row_share) * row_inside
    column_weight = (column_share if dx else 1 - column_share) * column_inside
    return image[:, rows][:, :, columns] * row_weight[:, None] * column_weight


@op("DeformConv", since=19)
def convolve_deformed(
    x: Tensor,
    w: Tensor,
    offset: Tensor,
    b: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    offset_group: int = 1,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of images whose taps are moved by `offset` `(n, groups·kh·kw·2, oh, ow)` and scaled by `mask`."""
    kh, kw = kernel_shape or w.shape[2:]
    n, c = x.shape[:2]
    oh, ow = offset.shape[2:]
    (dh, dw), (sh, sw), (top, left) = dilations or [1, 1], strides or [1, 1], (pads or [0, 0])[:2]
    moved = offset.reshape(n, offset_group, kh, kw, 2, oh, ow)
    rows = torch.arange(kh, device=x.device)[:, None, None, None] * dh - top
    rows = rows + torch.arange(oh, device=x.device)[:, None] * sh + moved[:, :, :, :, 0]
    columns = torch.arange(kw, device=x.device)[:, None, None] * dw - left
    columns = columns + torch.arange(ow, device=x.device) * sw + moved[:, :, :, :, 1]
    taps = _interpolate(x.reshape(n, offset_group, c // offset_group, *x.shape[2:]), rows, columns)
    if mask is not None:
        taps = taps * mask.reshape(n, offset_group, 1, kh, kw, oh, ow)
    taps = taps.reshape(n, group, c // group, kh, kw, oh, ow)
    y = einsum(taps, w.reshape(group, -1, *w.shape[1:]), equation="ngckluv,gockl->ngouv").flatten(1, 2)
    return y if b is None else y + b.reshape(-1, 1, 1)


def _interpolate(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """`images` `(n, groups, c, h, w)` at fractional positions `(n, groups, ...)`; zero outside."""
    height, width = images.shape[3:]
    top, left = rows.detach().floor(), columns.detach().floor()
    total: Tensor | float = 0.0
    for dy in (0, 1):
        for dx in (0, 1):
            row, column = top + dy, left + dx
            weight = (1 - (rows - row).abs()) * (1 - (columns - column).abs())
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
            flat = index.flatten(2).unsqueeze(2).expand(-1, -1, images.shape[2], -1)
            picked = images.flatten(3).gather(3, flat).reshape(*images.shape[:3], *rows.shape[2:])
            total = total + picked * (weight * inside).unsqueeze(2)
    assert isinstance(total, Tensor)
    return total
