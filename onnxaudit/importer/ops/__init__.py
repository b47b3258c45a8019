"""Operators by family; importing this package fills the registry."""

from onnxaudit.importer.ops import (
    activation,
    arithmetic,
    control,
    convolution,
    generation,
    indexing,
    linear,
    normalization,
    pooling,
    quantization,
    recurrence,
    reduction,
    resizing,
    sampling,
    scattering,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "control",
    "convolution",
    "generation",
    "indexing",
    "linear",
    "normalization",
    "pooling",
    "quantization",
    "recurrence",
    "reduction",
    "resizing",
    "sampling",
    "scattering",
    "shape",
]
