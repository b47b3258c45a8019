"""What families are drawn on."""

import numpy as np

from onnxaudit.perturbations.base import Shape
from onnxaudit.records import Floats

GRAY = 0.5  # where no clean image is at hand


def blank(shape: Shape, image: Floats | None) -> Floats:
    """A copy of `image` `(c, h, w)`, or a gray one of that shape."""
    return np.full(shape, GRAY, np.float32) if image is None else image.astype(np.float32, copy=True)


def checker(shape: Shape, image: Floats | None) -> Floats:
    """A copy of `image` `(c, h, w)`, or a checkerboard of that shape: gray would not show that pixels move."""
    if image is not None:
        return blank(shape, image)
    rows, columns = np.indices(shape[1:])
    side = max(2, min(shape[1:]) // 8)
    return np.broadcast_to((rows // side + columns // side) % 2, shape).astype(np.float32)
