"""Convolutions of one to three dimensions."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.padding import interleave, place_windows
from onnxaudit.importer.registry import op

_CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
"""By their dimensions: unlike `torch.convolution` these take part in automatic mixed precision."""


@op("Conv")
def convolve(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of `x` `(n, c, ...)` with `w` `(m, c/group, ...)`."""
    window = place_windows(
        x.shape[2:], kernel_shape or w.shape[2:], strides=strides, dilations=dilations, pads=pads, auto_pad=auto_pad
    )
    padding = window.begin
    if not window.symmetric:
        x, padding = F.pad(x, window.padding), (0,) * len(window.begin)
    return _CONVOLUTIONS[len(padding)](x, w, b, window.stride, padding, window.dilation, group)


@op("ConvTranspose")
def convolve_transposed(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    output_padding: list[int] | None = None,
    output_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The transpose of a convolution: `x` `(n, c, ...)`, `w` `(c, m/group, ...)`.

    Computed without padding and then cut, since ONNX's padding may be asymmetric and follows from `output_shape`.
    """
    rank = x.ndim - 2
    stride = strides or [1] * rank
    dilation = dilations or [1] * rank
    extra = output_padding or [0] * rank
    extent = [(k - 1) * d + 1 for k, d in zip(kernel_shape or w.shape[2:], dilation, strict=True)]
    full = [stride[i] * (x.shape[2 + i] - 1) + extent[i] + extra[i] for i in range(rank)]
    if auto_pad.startswith("SAME") and not output_shape:
        output_shape = [x.shape[2 + i] * stride[i] for i in range(rank)]
    if output_shape:
        total = [full[i] - output_shape[-rank:][i] for i in range(rank)]
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        begin, end = (more, less) if auto_pad != "SAME_UPPER" else (less, more)
    else:
        begin, end = (pads[:rank], pads[rank:]) if pads and auto_pad == "NOTSET" else ([0] * rank, [0] * rank)
    y = torch.convolution(x, w, None, stride, [0] * rank, dilation, True, [0] * rank, group)
    y = F.pad(y, interleave([-p for p in begin], [e - p for e, p in zip(extra, end, strict=True)]))
    return y if b is None else y + b.reshape(-1, *[1] * rank)
