"""Images held as the bytes that they came as, a quarter of what floats take, and floats where they are used."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from onnxaudit.records.arrays import Floats

Codes = npt.NDArray[np.uint8]
MOST_FLOATS = 2**25  # values held as floats, 128 MiB; more are held as bytes
WHITE = np.float32(255.0)


@dataclass(frozen=True, eq=False)
class CodedImages:
    """Stands for the array `codes / 255` of float32, of which an index makes as much as it asks for.

    Attributes:
        codes: `(n, c, h, w)` uint8.
    """

    codes: Codes

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the images."""
        return self.codes.shape

    @property
    def size(self) -> int:
        """Values of all images."""
        return self.codes.size

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.codes.ndim

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Of what an index gives."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        """How many images."""
        return len(self.codes)

    def __getitem__(self, index: Any) -> Floats:
        """Some images as floats."""
        return decode_bytes(self.codes[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All images as floats, where numpy has to see them at once."""
        del copy
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)


def decode_bytes(codes: Codes) -> Floats:
    """Pixels in [0, 1] of bytes."""
    return np.asarray(codes, dtype=np.float32) / WHITE


def hold(codes: Codes) -> Floats:
    """Images given as bytes, as floats; large sets as bytes that behave like such."""
    return decode_bytes(codes) if codes.size <= MOST_FLOATS else cast(Floats, CodedImages(codes))


def make_contiguous(images: Floats) -> Floats:
    """The images in one piece of memory, held as they are."""
    if isinstance(images, CodedImages):
        return cast(Floats, CodedImages(np.ascontiguousarray(images.codes)))
    return np.ascontiguousarray(images)
