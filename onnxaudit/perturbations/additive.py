"""An additive perturbation: a faint change, free but for its bound and its highest frequency, on every image.

    A(x) = clip(x + bound · tanh(Σ u·cos), 0, 1)

Source: S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017. Differs from the source: the
change is made of cosines of the lower half of the frequencies, so that it survives resizing and compression.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from onnxaudit.perturbations.base import Fields
from onnxaudit.perturbations.cosines import CosineSum, add_up


@dataclass(frozen=True, kw_only=True)
class Additive(CosineSum):
    """Changes `(rows, c, h, w)`; the size is the mean absolute change.

    Attributes:
        bound: of what is added to a pixel.
    """

    bound: float = 0.12
    noise: float = 0.02
    id = "additive"
    unit = "pixel range"

    def decode(self, values: Tensor) -> Fields:
        """Changes."""
        return (self.bound * torch.tanh(add_up(values, *self.image[1:])),)

    def size(self, fields: Fields) -> Tensor:
        """Mean absolute change of a pixel."""
        return fields[0].abs().mean(dim=(1, 2, 3))

    def describe(self, size: float) -> str:
        """The mean change as a share of the pixel range."""
        return f"a faint change of every pixel, {100 * size:.1f} % of the pixel range on average"
