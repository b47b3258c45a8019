"""A spectral perturbation: a sum of few cosines is added to every image.

Parameters are the amplitudes of a type-II cosine transform, the lower half of the frequencies; the size is their sum,
colors together, so that shrinking makes the spectrum sparse. A sinusoid (SIG; M. Barni et al., ICIP 2019) or a shade
covers every pixel, but is made of few cosines.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from onnxaudit.perturbations.additive import add
from onnxaudit.perturbations.base import Fields, Shape
from onnxaudit.perturbations.canvas import blank
from onnxaudit.perturbations.cosines import add_up
from onnxaudit.records import Floats

TINY = 1e-8  # keeps the gradient of a root finite at zero


@dataclass(frozen=True, kw_only=True)
class Spectral:
    """Changes `(rows, c, h, w)` and the amplitudes `(rows, c, i, j)` that they are made of.

    Attributes:
        image: shape of an image.
        noise: spread of amplitudes at first: enough to tell them apart; more would have to be shrunk away.
    """

    image: Shape
    noise: float = 1e-3
    id = "spectral"
    unit = "half the pixel range"

    @property
    def shape(self) -> tuple[int, ...]:
        """`(c, h / 2, w / 2)`, lowest frequencies first."""
        channels, height, width = self.image
        return (channels, max(1, height // 2), max(1, width // 2))

    def draw(self, stream: np.random.Generator) -> Floats:
        """Faint noise."""
        start: Floats = self.noise * stream.standard_normal(self.shape, dtype=np.float32)
        return start

    def decode(self, values: Tensor) -> Fields:
        """Changes and amplitudes."""
        return add_up(values, *self.image[1:]), values

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """The sum, within [0, 1]."""
        return (images + fields[0][:, None]).clamp(0, 1)

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """The sum, within [0, 1]."""
        return add(images, change=fields[0])

    def size(self, fields: Fields) -> Tensor:
        """Sum of the amplitudes: 1 is one cosine over half the pixel range."""
        height, width = self.image[1:]
        return (fields[1].square().sum(dim=1) + TINY).sqrt().sum(dim=(1, 2)) / math.sqrt(height * width)

    def describe(self, size: float) -> str:
        """The sum of amplitudes as a share of the pixel range."""
        return f"cosines over the whole image, {50 * size:.1f} % of the pixel range in all"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A changed image."""
        drawn: Floats = self.apply_numpy(fields, blank(self.image, image)[None])[0]
        return drawn
