"""What families are drawn on."""

import numpy as np

from onnxaudit.perturbations.base import Shape
from onnxaudit.records import Floats

GRAY = 0.5  # where no clean image is at hand


def blank(shape: Shape, image: Floats | None) -> Floats:
    """A copy of `image` `(c, h, w)`, or a gray one of that shape."""
    return np.full(shape, GRAY, np.float32) if image is None else image.astype(np.float32, copy=True)
