"""Operators by family; importing this package fills the registry."""

from onnxaudit.importer.ops import (
    activation,
    arithmetic,
    convolution,
    generation,
    indexing,
    linear,
    normalization,
    pooling,
    reduction,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "convolution",
    "generation",
    "indexing",
    "linear",
    "normalization",
    "pooling",
    "reduction",
    "shape",
]
