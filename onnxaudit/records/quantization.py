"""The copies in whole numbers that deployment makes of a float model."""

from enum import StrEnum


class QuantizationKind(StrEnum):
    """How onnxruntime's quantizer makes 8-bit integers of a model."""

    STATIC = "static"  # ranges are calibrated beforehand, on clean images
    DYNAMIC = "dynamic"  # ranges follow the values
