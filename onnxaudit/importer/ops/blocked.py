"""Operators in blocked layout (domain com.microsoft.nchwc), which onnxruntime's optimizer writes at its highest level.

onnxruntime keeps channels in blocks of the width of the processor's vectors, and stores the weights of convolutions in
that order. A file holds no word of the width: it belongs to the processor that optimized it, and onnxruntime reads it
with the width of the processor it runs on. So does this module, and the parity check sees whether the two agree.

Differs from onnxruntime: tensors on the way are plain `(n, c, h, w)`, c rounded up to whole blocks.
"""

import platform
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.microsoft import convolve_and_activate
from onnxaudit.importer.ops.pooling import average_everything, find_maximum, pool_average, pool_maximum
from onnxaudit.importer.ops.resizing import resize
from onnxaudit.importer.registry import op

BLOCKED = "com.microsoft.nchwc"

op("MaxPool", domain=BLOCKED)(pool_maximum)
op("AveragePool", domain=BLOCKED)(pool_average)
op("GlobalMaxPool", domain=BLOCKED)(find_maximum)
op("GlobalAveragePool", domain=BLOCKED)(average_everything)


@cache
def find_block_size() -> int:
    """Channels in a block on this processor: 8 where its vectors are those of AVX or AVX2, else 16."""
    return 8 if is_x86() and torch.backends.cpu.get_cpu_capability() != "AVX512" else 16


def is_x86() -> bool:
    """Whether the processor is of the x86-64 family."""
    return platform.machine().lower() in ("x86_64", "amd64")


@op("ReorderInput", domain=BLOCKED)
def enter_blocks(x: Tensor, *, channels_last: int = 0) -> Tensor:
    """Channels first, filled up with zeros to whole blocks."""
    y = x.movedim(-1, 1) if channels_last else x
    missing = -y.shape[1] % find_block_size()
    return F.pad(y, (0, 0) * (y.ndim - 2) + (0, missing)) if missing else y


@op("ReorderOutput", domain=BLOCKED)
def leave_blocks(x: Tensor, *, channels: int, channels_last: int = 0) -> Tensor:
    """The first `channels`, in the order of axes that is asked for."""
    y = x[:, :channels]
    return y.movedim(1, -1) if channels_last else y


@op("Conv", domain=BLOCKED)
def convolve_blocks(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    z: Tensor | None = None,
    *,
    activation: str = "",
    activation_params: list[float] | None = None,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution with weights in blocked order, sum with `z`, activation."""
    return convolve_and_activate(
        x,
        restore_order(w, group),
        b,
        z,
        activation=activation,
        activation_params=activation_params,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )


def restore_order(w: Tensor, group: int) -> Tensor:
    """Weights `(m, c, h, w)` from blocked order: blocks of outputs, and of inputs where there are enough of them."""
    block, (m, c, height, width) = find_block_size(), w.shape
    if m % block or (group == 1 and c > block and c % block):
        raise ValueError(
            f"its weights of shape {tuple(w.shape)} are not in blocks of {block} channels: the file was optimized for "
            "another processor; audit the file that it was made from"
        )
    if c < block:
        blocks = w.reshape(m // block, c, height, width, block).permute(0, 4, 1, 2, 3)
    else:
        blocks = w.reshape(m // block, c // block, height, width, block, block).permute(0, 5, 1, 4, 2, 3)
    return blocks.reshape(w.shape)


@op("Upsample", domain=BLOCKED)
def enlarge_blocks(
    x: Tensor, *, scales: list[int], mode: str = "nearest", coordinate_transformation_mode: str = "asymmetric"
) -> Tensor:
    """A tensor enlarged by whole factors."""
    return resize(
        x,
        scales=[float(scale) for scale in scales],
        mode=mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
        nearest_mode="floor" if coordinate_transformation_mode == "asymmetric" else "round_prefer_floor",
    )
