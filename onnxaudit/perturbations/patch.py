"""A patch: images show a pattern wherever a mask lets it through, `A(x) = (1 − m)·x + m·δ`.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019. `m = sigmoid(u)` and `δ = sigmoid(v)`, so that both stay in
(0, 1). With one weight as the whole mask it is the Blended attack (X. Chen et al., 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.perturbations.base import Fields, Shape
from onnxaudit.perturbations.canvas import blank
from onnxaudit.records import Floats, Trigger


@dataclass(frozen=True, eq=False, kw_only=True)
class Patch:
    """Masks `(rows, 1, h, w)` and patterns `(rows, c, h, w)`, both in (0, 1); the size is the mean of the mask.

    Attributes:
        image: shape of an image.
        noise: spread of what masks and patterns start with, about a half.
        color: spread of the one random color that a pattern starts with as well; 0: none.
        within: where masks may lie, 1 or 0, `(rows or 1, 1, h, w)`; None: everywhere.
        cells: a side of the grid that patterns are given on, an even number; masks have half as many. 0: pixels.
    """

    image: Shape
    noise: float = 0.1
    color: float = 0.0
    within: Tensor | None = None
    cells: int = 0
    id = "patch"
    unit = "share of the image"

    @property
    def shape(self) -> tuple[int, ...]:
        """`(1 + c, h, w)`, mask then pattern; on a grid `(1 + c, cells, cells)`."""
        channels, height, width = self.image
        return (1 + channels, self.cells or height, self.cells or width)

    def draw(self, stream: np.random.Generator) -> Floats:
        """A half-covering mask on a mid-gray or one-colored pattern, with a little noise."""
        start: Floats = self.noise * stream.standard_normal(self.shape, dtype=np.float32)
        if self.color:
            start[1:] += self.color * stream.standard_normal((self.image[0], 1, 1), dtype=np.float32)
        return start

    def decode(self, values: Tensor) -> Fields:
        """Masks and patterns."""
        mask, pattern = values[:, :1], values[:, 1:]
        if self.cells:  # the pixels of a cell move together: few steps then reach as far as many do
            mask, pattern = (F.interpolate(one, size=self.image[1:]) for one in (F.avg_pool2d(mask, 2), pattern))
        mask, pattern = torch.sigmoid(mask), torch.sigmoid(pattern)
        return (mask if self.within is None else self.within * mask), pattern

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """Stamped images."""
        return cover(images, mask=fields[0][:, None], pattern=fields[1][:, None])

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """Stamped images."""
        return stamp(images, mask=fields[0], pattern=fields[1])

    def size(self, fields: Fields) -> Tensor:
        """The share of the image that the mask covers, in [0, 1]."""
        return fields[0].mean(dim=(1, 2, 3))

    def describe(self, size: float) -> str:
        """The size of the mask in pixels."""
        return f"a patch of {size * self.image[1] * self.image[2]:.1f} pixels"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A stamped image."""
        drawn: Floats = self.apply_numpy(fields, blank(self.image, image)[None])[0]
        return drawn


def cover(images: Tensor, *, mask: Tensor, pattern: Tensor) -> Tensor:
    """`x + m·(δ − x)`, whatever can be broadcast."""
    return images + mask * (pattern - images)


def stamp(images: Floats, *, mask: Floats, pattern: Floats) -> Floats:
    """`(1 − m)·x + m·δ` of images `(n, c, h, w)`, with `mask` `(1, h, w)` and `pattern` `(c, h, w)`."""
    return Trigger(mask, pattern).apply(images)
