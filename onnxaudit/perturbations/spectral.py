"""A spectral perturbation: a sum of few cosines is added to every image.

Parameters are the amplitudes of a type-II cosine transform, the lower half of the frequencies; the size is their sum,
colors together, so that shrinking makes the spectrum sparse. A sinusoid (SIG; M. Barni et al., ICIP 2019) or a shade
covers every pixel, but is made of few cosines.
"""

import math
from dataclasses import dataclass

from torch import Tensor

from onnxaudit.perturbations.base import Fields
from onnxaudit.perturbations.cosines import CosineSum, add_up

TINY = 1e-8  # keeps the gradient of a root finite at zero


@dataclass(frozen=True, kw_only=True)
class Spectral(CosineSum):
    """Changes `(rows, c, h, w)` and the amplitudes `(rows, c, i, j)` that they are made of.

    Attributes:
        noise: spread of amplitudes at first: enough to tell them apart; more would have to be shrunk away.
    """

    noise: float = 1e-3
    id = "spectral"
    unit = "half the pixel range"

    def decode(self, values: Tensor) -> Fields:
        """Changes and amplitudes."""
        return add_up(values, *self.image[1:]), values

    def size(self, fields: Fields) -> Tensor:
        """Sum of the amplitudes: 1 is one cosine over half the pixel range."""
        height, width = self.image[1:]
        return (fields[1].square().sum(dim=1) + TINY).sqrt().sum(dim=(1, 2)) / math.sqrt(height * width)

    def describe(self, size: float) -> str:
        """The sum of amplitudes as a share of the pixel range."""
        return f"cosines over the whole image, {50 * size:.1f} % of the pixel range in all"
