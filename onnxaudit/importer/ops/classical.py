"""Operators of the domain ai.onnx.ml that scikit-learn's exporter puts in front of a classifier."""

import torch
from torch import Tensor

from onnxaudit.importer.registry import CLASSICAL, op


@op("Scaler", domain=CLASSICAL)
def standardize(x: Tensor, *, offset: list[float] | None = None, scale: list[float] | None = None) -> Tensor:
    """`(x − offset) · scale`, for all features or for each."""
    x = x.to(torch.float32)
    shift, factor = (x.new_tensor(values) for values in (offset or [0.0], scale or [1.0]))
    return (x - shift) * factor


@op("Normalizer", domain=CLASSICAL)
def normalize_rows(x: Tensor, *, norm: str = "MAX") -> Tensor:
    """Each row divided by its largest entry, by the sum of absolute values, or by its length."""
    x = x.to(torch.float32)
    if norm == "MAX":
        size = x.amax(-1, keepdim=True)
    else:
        size = torch.linalg.vector_norm(x, int(norm.removeprefix("L")), dim=-1, keepdim=True)
    return x / torch.where(size == 0, torch.ones_like(size), size)


@op("Imputer", domain=CLASSICAL)
def fill_gaps(
    x: Tensor,
    *,
    imputed_value_floats: list[float] | None = None,
    imputed_value_int64s: list[int] | None = None,
    replaced_value_float: float = 0.0,
    replaced_value_int64: int = 0,
) -> Tensor:
    """`x` with another value where one stands for a gap, NaN perhaps."""
    filling = x.new_tensor(imputed_value_floats or imputed_value_int64s or [0.0])
    gap = replaced_value_float if x.is_floating_point() and imputed_value_floats else replaced_value_int64
    missing = x.isnan() if gap != gap else x == gap
    return torch.where(missing, filling, x)
