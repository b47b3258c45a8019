"""The copies in whole numbers that deployment makes of a float model."""

import re
from enum import StrEnum


class QuantizationKind(StrEnum):
    """How onnxruntime's quantizer makes 8-bit integers of a model."""

    STATIC = "static"  # ranges are calibrated beforehand, on clean images
    DYNAMIC = "dynamic"  # ranges follow the values


COPY = re.compile(r" \(int8, (?:static|dynamic)\)$")


def name_copy(path: str, kind: QuantizationKind | None) -> str:
    """What a copy of a file is called; the file's own name where there is none."""
    return path if kind is None else f"{path} (int8, {kind.value})"


def name_original(name: str) -> str:
    """The file that a copy of that name was made of."""
    return COPY.sub("", name)
