"""What every family of perturbations has in common."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from torch import Tensor

from onnxaudit.records import Floats

Fields = tuple[Tensor, ...]
"""What perturbations consist of, one tensor a part, row `k` of each for perturbation `k`: a mask and a pattern, say."""

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""


class Family(Protocol):
    """A kind of change that is the same for all images, and how it is parametrized.

    The parameters are unbounded, so that a step of any length stays within the family; `decode` makes of them what is
    put on images. What `size` measures is shrunk: the smaller, the fainter or the more local the change.

    Attributes:
        id: its name in code and reports.
        unit: what one of `size` is.
    """

    @property
    def id(self) -> str:
        """A noun."""

    @property
    def unit(self) -> str:
        """Words."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the parameters of one perturbation."""

    def draw(self, stream: np.random.Generator) -> Floats:
        """Parameters to start from, of that shape."""

    def decode(self, values: Tensor) -> Fields:
        """Perturbations of parameters `(rows, ...)`, differentiable."""

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """Each perturbation on images of its own, `(rows, n, c, h, w)` before and after; differentiable."""

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """One perturbation on images `(n, c, h, w)`, without PyTorch; `fields` without their first axis."""

    def size(self, fields: Fields) -> Tensor:
        """How large each is, `(rows,)`, in `unit`; differentiable."""

    def describe(self, size: float) -> str:
        """A perturbation of this size in words that stand after "found:"."""

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """What one looks like, `(c, h, w)` in [0, 1].

        Args:
            fields: without their first axis.
            image: a clean one `(c, h, w)` to put it on; mid-gray where none is given.
        """
