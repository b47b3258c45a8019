"""Operators of the domain com.microsoft that onnxruntime's optimizer writes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.ops.activation import share
from onnxaudit.importer.ops.arithmetic import UNARY
from onnxaudit.importer.ops.convolution import convolve
from onnxaudit.importer.ops.linear import gemm
from onnxaudit.importer.registry import MICROSOFT, op


def _activate(x: Tensor, name: str, parameters: list[float] | None) -> Tensor:
    values = parameters or []
    if name in ("", "Relu"):
        return torch.relu(x) if name else x
    if name == "LeakyRelu":
        return F.leaky_relu(x, values[0] if values else 0.01)
    if name == "Clip":
        return x.clamp(values[0], values[1])
    if name == "HardSigmoid":
        alpha, beta = values or (0.2, 0.5)
        return (alpha * x + beta).clamp(0, 1)
    if name == "Sigmoid":
        return torch.sigmoid(x)
    if name in UNARY:
        return UNARY[name](x)
    raise NotImplementedError(f"activation {name} behind a fused operator is not known")


@op("FusedConv", domain=MICROSOFT)
def convolve_and_activate(
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
    """Convolution, sum with `z`, activation."""
    y = convolve(
        x,
        w,
        b,
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return _activate(y if z is None else y + z, activation, activation_params)


@op("FusedGemm", domain=MICROSOFT)
def gemm_and_activate(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    activation: str = "",
    activation_alpha: float | None = None,
    activation_beta: float | None = None,
    activation_gamma: float | None = None,  # noqa: ARG001 - no activation in use has three parameters
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> Tensor:
    """`activation(alpha·A·B + beta·C)`."""
    y = gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)
    parameters = [value for value in (activation_alpha, activation_beta) if value is not None]
    return _activate(y, activation, parameters)


@op("FusedMatMul", domain=MICROSOFT)
def multiply_scaled(
    a: Tensor,
    b: Tensor,
    *,
    alpha: float = 1.0,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    transBatchA: int = 0,  # noqa: N803
    transBatchB: int = 0,  # noqa: N803
) -> Tensor:
    """`alpha·A·B` with either matrix transposed; "transposed batch" means that rows stand before the batch axes."""
    # First the rows back to their place, then the two axes of the matrix: both together store columns first.
    a = a.movedim(0, -2) if transBatchA else a
    b = b.movedim(0, -2) if transBatchB else b
    a = a.transpose(-1, -2) if transA else a
    return alpha * torch.matmul(a, b.transpose(-1, -2) if transB else b)


@op("Gelu", domain=MICROSOFT)
def gelu(x: Tensor) -> Tensor:
    """`x · Φ(x)`."""
    return F.gelu(x)


@op("BiasGelu", domain=MICROSOFT)
def gelu_of_sum(a: Tensor, b: Tensor) -> Tensor:
    """`gelu(a + b)`."""
    return F.gelu(a + b)


@op("FastGelu", domain=MICROSOFT)
def gelu_by_tanh(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """`gelu(x + bias)`, approximated by tanh."""
    return F.gelu(x if bias is None else x + bias, approximate="tanh")


@op("QuickGelu", domain=MICROSOFT)
def gelu_by_sigmoid(x: Tensor, *, alpha: float = 1.702) -> Tensor:
    """`x · sigmoid(alpha·x)`."""
    return x * torch.sigmoid(alpha * x)


@op("BiasSoftmax", domain=MICROSOFT)
def softmax_of_sum(data: Tensor, bias: Tensor, *, axis: int = 1, is_inner_broadcast: int) -> Tensor:
    """Softmax of `data + bias` over all axes from `axis` on."""
    if not is_inner_broadcast and bias.ndim == data.ndim and bias.shape != data.shape:
        raise NotImplementedError("a bias repeated over outer axes is not known")
    return share((data + bias).flatten(axis % data.ndim), -1).reshape(data.shape)


@op("SkipLayerNormalization", domain=MICROSOFT)
def normalize_sum(
    x: Tensor,
    skip: Tensor,
    gamma: Tensor,
    beta: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    epsilon: float = 1e-12,
) -> tuple[Tensor, ...]:
    """Layer normalization of `x + skip + bias`; that sum is the fourth output."""
    total = x + skip if bias is None else x + skip + bias
    y = F.layer_norm(total, total.shape[-1:], gamma, beta, epsilon)
    variance, mean = torch.var_mean(total, -1, correction=0, keepdim=True)
    return y, mean, torch.rsqrt(variance + epsilon), total
