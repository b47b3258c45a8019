"""Operators of the domain com.microsoft that onnxruntime's quantizer writes, simulated in floats.

The same conventions as in `quantization`: a quantized tensor is a float tensor of whole numbers.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.linear import gemm
from onnxaudit.importer.ops.pooling import pool_average
from onnxaudit.importer.ops.quantization import convolve_quantized, dequantize, quantize, quantize_dynamically
from onnxaudit.importer.ops.recurrence import run_lstm
from onnxaudit.importer.registry import MICROSOFT, op

SCALES = ("x_scale", "y_scale")

op("QuantizeLinear", domain=MICROSOFT, settings=("y_scale", "y_zero_point"))(quantize)
op("DequantizeLinear", domain=MICROSOFT, settings=("x_scale", "x_zero_point"))(dequantize)


@op("QLinearConv", domain=MICROSOFT, settings=("x_scale", "w_scale", "y_scale"))
def convolve_quantized_in_any_layout(
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
    channels_last: int = 0,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of quantized tensors, channels in the second axis or the last."""
    y = convolve_quantized(
        x.movedim(-1, 1) if channels_last else x,
        x_scale,
        x_zero_point,
        w,
        w_scale,
        w_zero_point,
        y_scale,
        y_zero_point,
        b,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return y.movedim(1, -1) if channels_last else y


@op("QGemm", domain=MICROSOFT, settings=("a_scale", "b_scale", "y_scale"))
def gemm_quantized(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    c: Tensor | None = None,
    y_scale: Tensor | None = None,
    y_zero_point: Tensor | None = None,
    *,
    alpha: float = 1.0,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> Tensor:
    """`alpha·A·B + C` of quantized matrices; `C` in units of `alpha · a_scale · b_scale`; floats without `y_scale`."""
    left = dequantize(a, a_scale, a_zero_point)
    right = dequantize(b, b_scale, b_zero_point, axis=0 if transB else 1)
    bias = None if c is None else c * (alpha * a_scale * b_scale)
    y = gemm(left, right, bias, alpha=alpha, transA=transA, transB=transB)
    return y if y_scale is None else quantize(y, y_scale, y_zero_point)


@op("QLinearAdd", domain=MICROSOFT, settings=("a_scale", "b_scale", "c_scale"))
def add_quantized(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor | None,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor | None,
    c_scale: Tensor,
    c_zero_point: Tensor | None = None,
) -> Tensor:
    """Sum of two quantized tensors, quantized again."""
    return quantize(dequantize(a, a_scale, a_zero_point) + dequantize(b, b_scale, b_zero_point), c_scale, c_zero_point)


@op("QLinearMul", domain=MICROSOFT, settings=("a_scale", "b_scale", "c_scale"))
def multiply_elements_quantized(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor | None,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor | None,
    c_scale: Tensor,
    c_zero_point: Tensor | None = None,
) -> Tensor:
    """Product of two quantized tensors element by element, quantized again."""
    return quantize(dequantize(a, a_scale, a_zero_point) * dequantize(b, b_scale, b_zero_point), c_scale, c_zero_point)


@op("QLinearGlobalAveragePool", domain=MICROSOFT, settings=("x_scale", "y_scale"))
def average_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    *,
    channels_last: int = 0,
) -> Tensor:
    """Mean over all spatial axes of a quantized tensor, quantized again."""
    axes = list(range(1, x.ndim - 1) if channels_last else range(2, x.ndim))
    return quantize(dequantize(x, x_scale, x_zero_point).mean(axes, keepdim=True), y_scale, y_zero_point)


@op("DynamicQuantizeMatMul", domain=MICROSOFT, settings=("b_scale",))
def multiply_with_quantized(
    a: Tensor, b: Tensor, b_scale: Tensor, b_zero_point: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """Product with a quantized matrix; `a` is quantized by its own range on the way."""
    return multiply_with_codes(dequantize(*quantize_dynamically(a)), b, b_scale, b_zero_point, bias)


def multiply_with_codes(
    a: Tensor, b: Tensor, b_scale: Tensor, b_zero_point: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """As `multiply_with_quantized`, of an `a` that was rounded before."""
    y = a @ dequantize(b, b_scale, b_zero_point, axis=-1)
    return y if bias is None else y + bias


@op("MatMulIntegerToFloat", domain=MICROSOFT, settings=("a_scale", "b_scale"))
def multiply_integers_to_float(
    a: Tensor,
    b: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero_point: Tensor | None = None,
    b_zero_point: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Product of two quantized matrices in floats."""
    y = dequantize(a, a_scale, a_zero_point, axis=-2) @ dequantize(b, b_scale, b_zero_point, axis=-1)
    return y if bias is None else y + bias


@op("QLinearAveragePool", domain=MICROSOFT, settings=SCALES)
def pool_average_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
    count_include_pad: int = 0,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The mean of each window of a quantized tensor, quantized again."""
    values = dequantize(x, x_scale, x_zero_point)
    y = pool_average(
        values.movedim(-1, 1) if channels_last else values,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return quantize(y.movedim(1, -1) if channels_last else y, y_scale, y_zero_point)


@op("QLinearLeakyRelu", domain=MICROSOFT, settings=SCALES)
def leak_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    alpha: float = 0.01,
) -> Tensor:
    """Leaky ReLU of a quantized tensor, quantized again."""
    return quantize(F.leaky_relu(dequantize(x, x_scale, x_zero_point), alpha), y_scale, y_zero_point)


@op("QLinearSigmoid", domain=MICROSOFT, settings=SCALES)
def squash_quantized(
    x: Tensor, x_scale: Tensor, x_zero_point: Tensor | None, y_scale: Tensor, y_zero_point: Tensor | None = None
) -> Tensor:
    """Sigmoid of a quantized tensor, quantized again."""
    return quantize(torch.sigmoid(dequantize(x, x_scale, x_zero_point)), y_scale, y_zero_point)


@op("QLinearSoftmax", domain=MICROSOFT, settings=SCALES)
def softmax_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None,
    y_scale: Tensor,
    y_zero_point: Tensor,
    *,
    axis: int = -1,
    opset: int,
) -> Tensor:
    """Softmax of a quantized tensor, quantized again; over all axes from `axis` on before opset 13."""
    values = dequantize(x, x_scale, x_zero_point)
    if opset >= 13:
        return quantize(torch.softmax(values, axis), y_scale, y_zero_point)
    flat = torch.softmax(values.flatten(axis % x.ndim), -1)
    return quantize(flat.reshape(values.shape), y_scale, y_zero_point)


@op("QLinearConcat", domain=MICROSOFT, settings=("y_scale", "inputs"))
def concatenate_quantized(y_scale: Tensor, y_zero_point: Tensor, *inputs: Tensor, axis: int) -> Tensor:
    """Quantized tensors, each followed by its scale and zero point, joined and quantized again."""
    parts = [dequantize(*inputs[start : start + 3]) for start in range(0, len(inputs), 3)]
    return quantize(torch.cat(parts, axis), y_scale, y_zero_point)


@op("QLinearWhere", domain=MICROSOFT, settings=("x_scale", "y_scale", "z_scale"))
def choose_quantized(
    condition: Tensor,
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    y: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    z_scale: Tensor,
    z_zero_point: Tensor,
) -> Tensor:
    """Entries of one of two quantized tensors, quantized again."""
    left, right = dequantize(x, x_scale, x_zero_point), dequantize(y, y_scale, y_zero_point)
    return quantize(torch.where(condition, left, right), z_scale, z_zero_point)


@op("DynamicQuantizeLSTM", domain=MICROSOFT, settings=("w_scale", "r_scale"))
def run_quantized_lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None,
    sequence_lens: Tensor | None,
    initial_h: Tensor | None,
    initial_c: Tensor | None,
    p: Tensor | None,
    w_scale: Tensor,
    w_zero_point: Tensor,
    r_scale: Tensor,
    r_zero_point: Tensor,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
) -> tuple[Tensor, ...]:
    """LSTM with quantized weights `(directions, in, 4·hidden)`; the state is not quantized from step to step."""
    return run_lstm_with_codes(
        dequantize(*quantize_dynamically(x)),
        w,
        r,
        b,
        sequence_lens,
        initial_h,
        initial_c,
        p,
        w_scale,
        w_zero_point,
        r_scale,
        r_zero_point,
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        activations=activations,
        clip=clip,
        direction=direction,
        hidden_size=hidden_size,
        input_forget=input_forget,
    )


def run_lstm_with_codes(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None,
    sequence_lens: Tensor | None,
    initial_h: Tensor | None,
    initial_c: Tensor | None,
    p: Tensor | None,
    w_scale: Tensor,
    w_zero_point: Tensor,
    r_scale: Tensor,
    r_zero_point: Tensor,
    **attributes: Any,
) -> tuple[Tensor, ...]:
    """As `run_quantized_lstm`, of an `x` that was rounded before."""
    return run_lstm(
        x,
        _dequantize_sides(w, w_scale, w_zero_point).transpose(1, 2),
        _dequantize_sides(r, r_scale, r_zero_point).transpose(1, 2),
        b,
        sequence_lens,
        initial_h,
        initial_c,
        p,
        **attributes,
    )


def _dequantize_sides(codes: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """Weights of each direction, with one scale a direction or one a gate of each."""
    sides = [value.reshape(len(codes), 1, -1).to(torch.float32) for value in (scale, zero_point)]
    return (codes.to(torch.float32) - sides[1]) * sides[0]
