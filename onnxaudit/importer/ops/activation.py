"""Activation functions."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from onnxaudit.importer.registry import op


@op("Relu")
def relu(x: Tensor) -> Tensor:
    """`max(0, x)`."""
    return torch.relu(x)


@op("Sigmoid")
def sigmoid(x: Tensor) -> Tensor:
    """`1 / (1 + exp(−x))`."""
    return torch.sigmoid(x)


@op("Softplus")
def softplus(x: Tensor) -> Tensor:
    """`log(1 + exp(x))`."""
    return F.softplus(x, threshold=40)  # beyond 40 the difference to x is below float64's resolution


@op("Softsign")
def softsign(x: Tensor) -> Tensor:
    """`x / (1 + |x|)`."""
    return F.softsign(x)


@op("LeakyRelu", since=6)
def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    """`x`, or `alpha·x` below zero."""
    return F.leaky_relu(x, alpha)


@op("PRelu", since=7)
def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """`x`, or `slope·x` below zero; the slope broadcasts to the right, as numpy does."""
    return torch.where(x < 0, slope * x, x)


@op("Elu", since=6)
def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """`x`, or `alpha·(exp(x) − 1)` below zero."""
    return F.elu(x, alpha)


@op("Celu", since=12)
def celu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """`max(0, x) + min(0, alpha·(exp(x/alpha) − 1))`."""
    return F.celu(x, alpha)


@op("Selu", since=6)
def selu(x: Tensor, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875) -> Tensor:
    """`gamma·x`, or `gamma·alpha·(exp(x) − 1)` below zero."""
    return gamma * torch.where(x > 0, x, alpha * torch.expm1(torch.clamp(x, max=0)))


@op("ThresholdedRelu", since=10)
def thresholded_relu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """`x` above `alpha`, else zero."""
    return torch.where(x > alpha, x, torch.zeros_like(x))


@op("Shrink", since=9)
def shrink(x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    """Values within [−lambd, lambd] become zero, all others come nearer by `bias`."""
    shrunk = torch.where(x > lambd, x - bias, torch.zeros_like(x))
    return torch.where(x < -lambd, x + bias, shrunk)


@op("HardSigmoid", since=6)
def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    """`alpha·x + beta`, limited to [0, 1]."""
    return torch.clamp(alpha * x + beta, 0, 1)


@op("HardSwish", since=14)
def hard_swish(x: Tensor) -> Tensor:
    """`x · hard_sigmoid(x)` with slope 1/6."""
    return F.hardswish(x)


@op("Swish", since=24)
def swish(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """`x · sigmoid(alpha·x)`."""
    return x * torch.sigmoid(alpha * x)


@op("Mish", since=18)
def mish(x: Tensor) -> Tensor:
    """`x · tanh(softplus(x))`."""
    return F.mish(x)


@op("Gelu", since=20)
def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """`x · Φ(x)`, or its approximation by tanh."""
    return F.gelu(x, approximate=approximate)


class _Share(torch.autograd.Function):
    """Softmax whose gradient is zero, not NaN, where its value is NaN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int) -> Tensor:
        y = torch.softmax(x, axis)
        ctx.save_for_backward(y)
        ctx.axis = axis
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        weighted = gradient * y
        inner = weighted - y * weighted.sum(ctx.axis, keepdim=True)
        return inner.masked_fill(y.isnan(), 0.0), None


def share(x: Tensor, axis: int) -> Tensor:
    """Softmax over one axis; NaN where everything along it is −∞, as in onnxruntime.

    Attention written out masks such rows afterwards (Where, IsNaN). No gradient comes from there, but torch's own
    softmax makes NaN of it.
    """
    return _Share.apply(x, axis)  # type: ignore[no-any-return, no-untyped-call]


@op("Softmax", since=1)
def softmax_of_rows(x: Tensor, *, axis: int = 1) -> Tensor:
    """Softmax over all axes from `axis` on, taken together."""
    return share(x.flatten(axis % x.ndim), -1).reshape(x.shape)


@op("LogSoftmax", since=1)
def log_softmax_of_rows(x: Tensor, *, axis: int = 1) -> Tensor:
    """Logarithm of the softmax over all axes from `axis` on, taken together."""
    return torch.log_softmax(x.flatten(axis % x.ndim), -1).reshape(x.shape)


@op("Softmax", since=13)
def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Softmax over one axis."""
    return share(x, axis)


@op("LogSoftmax", since=13)
def log_softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Logarithm of the softmax over one axis."""
    return torch.log_softmax(x, axis)


@op("Hardmax", since=1)
def hardmax_of_rows(x: Tensor, *, axis: int = 1) -> Tensor:
    """One at the first maximum over all axes from `axis` on, zero elsewhere."""
    return hardmax(x.flatten(axis % x.ndim)).reshape(x.shape)


@op("Hardmax", since=13)
def hardmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """One at the first maximum along one axis, zero elsewhere."""
    first = x.argmax(axis, keepdim=True)
    return torch.zeros_like(x).scatter(axis, first, 1)
