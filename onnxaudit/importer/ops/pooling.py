"""Pools: local ones over windows, global ones over all spatial axes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.padding import Window, place_windows
from onnxaudit.importer.registry import op

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@op("MaxPool")
def pool_maximum(
    x: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    storage_order: int = 0,
    strides: list[int] | None = None,
    outputs: int = 1,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest value of each window, and where in the whole tensor it stands."""
    window = place_windows(
        x.shape[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )
    fits = window.symmetric and all(2 * p <= k for p, k in zip(window.begin, window.kernel, strict=True))
    padding = window.begin if fits else (0,) * len(window.kernel)
    y = x if fits else _pad_with_least(x, window)
    pool = MAX[len(window.kernel)]
    if outputs == 1:
        return pool(y, window.kernel, window.stride, padding, window.dilation)
    values, index = pool(y, window.kernel, window.stride, padding, window.dilation, return_indices=True)
    offset = (0,) * len(padding) if fits else window.begin
    return values, _to_flat_index(index, y.shape, x.shape, offset, storage_order)


def _pad_with_least(x: Tensor, window: Window) -> Tensor:
    least = -torch.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
    return F.pad(x, window.padding, value=least)


def _to_flat_index(
    index: Tensor, padded: torch.Size, shape: torch.Size, offset: tuple[int, ...], storage_order: int
) -> Tensor:
    """From positions within one padded channel to positions in the whole tensor, row- or column-major."""
    coordinates = []
    for size, begin in zip(reversed(padded[2:]), reversed(offset), strict=True):
        coordinates.append(index % size - begin)
        index = torch.div(index, size, rounding_mode="floor")
    axes = list(zip(coordinates[::-1], shape[2:], strict=True))
    flat = torch.zeros_like(index)
    for coordinate, size in axes if storage_order == 0 else axes[::-1]:
        flat = flat * size + coordinate
    channels = torch.arange(shape[0] * shape[1], device=index.device)
    channels = channels.reshape(*shape[:2], *[1] * (len(shape) - 2))
    return flat + channels * int(torch.Size(shape[2:]).numel())


@op("AveragePool")
def pool_average(
    x: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: list[int] | None = None,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The mean of each window; padding counts only with `count_include_pad`, what `ceil_mode` adds never."""
    window = place_windows(
        x.shape[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )
    plain = window.symmetric and all(d == 1 for d in window.dilation)
    if plain and all(2 * p <= k for p, k in zip(window.begin, window.kernel, strict=True)):
        average = AVERAGE[len(window.kernel)]
        return average(x, window.kernel, window.stride, window.begin, count_include_pad=bool(count_include_pad))
    ones = torch.ones_like(x[:1, :1])
    if count_include_pad:
        inner = [p for pair in zip(reversed(window.begin), reversed(window.end), strict=True) for p in pair]
        counted = F.pad(F.pad(ones, inner, value=1.0), [p - q for p, q in zip(window.padding, inner, strict=True)])
    else:
        counted = F.pad(ones, window.padding)
    return _add_windows(F.pad(x, window.padding), window) / _add_windows(counted, window)


def _add_windows(x: Tensor, window: Window) -> Tensor:
    """The sum of each window over an already padded `x`."""
    rank = len(window.kernel)
    kernel = torch.ones(1, 1, *window.kernel, dtype=x.dtype, device=x.device)
    flat = x.reshape(-1, 1, *x.shape[2:])
    y = torch.convolution(flat, kernel, None, window.stride, [0] * rank, window.dilation, False, [0] * rank, 1)
    return y.reshape(*x.shape[:2], *y.shape[2:])


@op("LpPool", since=2)
def pool_norm(
    x: Tensor,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    kernel_shape: list[int],
    p: int = 2,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The p-norm of each window."""
    window = place_windows(
        x.shape[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )
    return _add_windows(F.pad(x.abs() ** p, window.padding), window) ** (1 / p)


@op("GlobalAveragePool")
def average_everything(x: Tensor) -> Tensor:
    """The mean over all spatial axes, kept as axes of one."""
    return x.mean(list(range(2, x.ndim)), keepdim=True)


@op("GlobalMaxPool")
def find_maximum(x: Tensor) -> Tensor:
    """The maximum over all spatial axes, kept as axes of one."""
    return x.amax(list(range(2, x.ndim)), keepdim=True)


@op("GlobalLpPool", since=2)
def norm_everything(x: Tensor, *, p: int = 2) -> Tensor:
    """The p-norm over all spatial axes, kept as axes of one."""
    return torch.linalg.vector_norm(x, p, list(range(2, x.ndim)), keepdim=True)  # type: ignore[no-any-return]
