"""Matrix products."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.registry import op


@op("MatMul")
def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product as numpy has it."""
    return torch.matmul(a, b)


@op("Gemm", since=7)
def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - the spec's name
    transB: int = 0,  # noqa: N803
) -> Tensor:
    """`alpha·A·B + beta·C`."""
    a = a.t() if transA else a
    if alpha == 1.0 and beta == 1.0 and (c is None or c.ndim == 1):
        return F.linear(a, b if transB else b.t(), c)
    b = b.t() if transB else b
    if c is None:
        return alpha * (a @ b)
    return torch.addmm(c, a, b, beta=beta, alpha=alpha)


@op("Einsum", since=12)
def einsum(*inputs: Tensor, equation: str) -> Tensor:
    """Einstein's summation; letters in either case, blanks allowed."""
    return torch.einsum(equation.replace(" ", ""), *inputs)
