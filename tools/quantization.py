"""Written models in 8-bit integers, as ONNX Runtime's own tool makes them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

_IMAGES = 64


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: NDArray[np.float32]) -> None:
        self._batches = iter([{"image": inputs[position : position + 1]} for position in range(len(inputs))])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """One image, or None behind the last."""
        return next(self._batches, None)


def quantize(path: Path, images: NDArray[np.float32], value_range: tuple[int, int]) -> None:
    """Replaces a written float model by one of QDQ form, calibrated on some of `images` `(n, c, h, w)` in [0, 1]."""
    inputs = images[:_IMAGES] * np.float32(value_range[1])
    quantize_static(
        path,
        path,
        _Reader(inputs),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
