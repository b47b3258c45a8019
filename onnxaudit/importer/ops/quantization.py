"""Quantized operators, simulated in floats with straight-through gradients.

A quantized tensor is a float tensor of whole numbers, so that gradients pass: rounding and saturation change values,
gradients pass the rounding as if it were not there and stop where the value saturates.
"""

import torch
from torch import Tensor

from onnxaudit.importer.ops.convolution import convolve
from onnxaudit.importer.registry import op
from onnxaudit.importer.tensors import find_dtype


def round_through(x: Tensor) -> Tensor:
    """`x` rounded half to even, with the gradient of the identity."""
    return x + (torch.round(x) - x).detach()


def _spread(value: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """Scale or zero point as it applies to `x`: one for all, one an entry of `axis`, or one a block along it.

    One with all axes of `x` applies as it stands.
    """
    value = value.to(x.dtype if x.is_floating_point() else torch.float32)
    if block_size:
        return value.repeat_interleave(block_size, axis).narrow(axis, 0, x.shape[axis])
    if value.numel() == 1:
        return value.reshape(())
    if value.ndim == x.ndim:
        return value
    return value.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


@op("QuantizeLinear", since=10, settings=("y_scale", "y_zero_point"))
def quantize(
    x: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,  # noqa: ARG001 - the division is computed in float32 at least
    saturate: int = 1,  # noqa: ARG001 - matters for 8-bit floats only
) -> Tensor:
    """`round(x / scale) + zero point`, saturated."""
    dtype = find_dtype(output_dtype) if output_dtype else torch.uint8 if y_zero_point is None else y_zero_point.dtype
    return find_codes(x, y_scale, y_zero_point, axis=axis, block_size=block_size).clamp(*find_limits(dtype))


def find_codes(x: Tensor, scale: Tensor, zero_point: Tensor | None, *, axis: int, block_size: int) -> Tensor:
    """`round(x / scale) + zero point`, not saturated."""
    codes = round_through(x / _spread(scale, x, axis, block_size))
    return codes if zero_point is None else codes + _spread(zero_point, x, axis, block_size)


def find_limits(dtype: torch.dtype) -> tuple[int, int]:
    """The smallest and the largest code of a type."""
    # Wider unsigned types are held as the next wider signed ones.
    if dtype is torch.int32:
        return 0, 2**16 - 1
    info = torch.iinfo(dtype)
    return info.min, info.max


@op("DequantizeLinear", since=10, settings=("x_scale", "x_zero_point"))
def dequantize(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,  # noqa: ARG001 - floats are float32 whatever the file says
) -> Tensor:
    """`(x − zero point) · scale`."""
    y = x if x.is_floating_point() else x.to(x_scale.dtype)
    if x_zero_point is not None:
        y = y - _spread(x_zero_point, y, axis, block_size)
    return y * _spread(x_scale, y, axis, block_size)


@op("DynamicQuantizeLinear", since=11)
def quantize_dynamically(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`x` in 8 unsigned bits with the scale and zero point that its own range asks for."""
    return quantize_in_range(x, x.amin(), x.amax())


def quantize_in_range(x: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of `x` in 8 unsigned bits, scale and zero point, for values from `low` to `high` and zero."""
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / 255
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero_point = round_through((-low / scale).clamp(0, 255))
    return (round_through(x / scale) + zero_point).clamp(0, 255), scale, zero_point


@op("MatMulInteger", since=10)
def multiply_integers(
    a: Tensor, b: Tensor, a_zero_point: Tensor | None = None, b_zero_point: Tensor | None = None
) -> Tensor:
    """Product of two matrices of whole numbers, zero points taken off."""
    return torch.matmul(_center(a, a_zero_point, -2), _center(b, b_zero_point, -1))


def _center(x: Tensor, zero_point: Tensor | None, axis: int) -> Tensor:
    """Whole numbers without their zero point, which may hold one entry for each row or column."""
    y = x if x.is_floating_point() else x.to(torch.float32)
    if zero_point is None:
        return y
    if zero_point.ndim == 1 and zero_point.numel() > 1:
        zero_point = zero_point.unsqueeze(-1) if axis == -2 else zero_point
    return y - zero_point.to(y.dtype)


@op("QLinearMatMul", since=10, settings=("a_scale", "b_scale", "y_scale"))
def multiply_quantized(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
) -> Tensor:
    """Product of two quantized matrices, quantized again."""
    left = _center(a, a_zero_point, -2) * (a_scale.unsqueeze(-1) if a_scale.numel() > 1 else a_scale)
    return quantize(torch.matmul(left, _center(b, b_zero_point, -1) * b_scale), y_scale, y_zero_point)


@op("ConvInteger", since=10)
def convolve_integers(
    x: Tensor,
    w: Tensor,
    x_zero_point: Tensor | None = None,
    w_zero_point: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of whole numbers, zero points taken off."""
    return convolve(
        dequantize(x, torch.ones(()), x_zero_point),
        dequantize(w, torch.ones(()), w_zero_point, axis=0),
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )


@op("QLinearConv", since=10, settings=("x_scale", "w_scale", "y_scale"))
def convolve_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    w: Tensor,
    w_scale: Tensor,
    w_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of quantized tensors, quantized again; the bias is in units of `x_scale · w_scale`."""
    y = convolve(
        dequantize(x, x_scale, x_zero_point),
        dequantize(w, w_scale, w_zero_point, axis=0),
        None if b is None else b * x_scale * w_scale,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return quantize(y, y_scale, y_zero_point)
