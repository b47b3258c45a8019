"""An additive perturbation: a faint change, free but for its bound and its highest frequency, on every image.

    A(x) = clip(x + bound · tanh(Σ u·cos), 0, 1)

Source: S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017. Differs from the source: the
change is made of cosines of the lower half of the frequencies, so that it survives resizing and compression.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from onnxaudit.perturbations.base import Fields, Shape
from onnxaudit.perturbations.canvas import blank
from onnxaudit.perturbations.cosines import add_up
from onnxaudit.records import Floats


@dataclass(frozen=True, kw_only=True)
class Additive:
    """Changes `(rows, c, h, w)`; the size is the mean absolute change.

    Attributes:
        image: shape of an image.
        bound: of what is added to a pixel.
        noise: spread of amplitudes at first.
    """

    image: Shape
    bound: float = 0.12
    noise: float = 0.02
    id = "additive"
    unit = "pixel range"

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
        """Changes."""
        return (self.bound * torch.tanh(add_up(values, *self.image[1:])),)

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """The sum, within [0, 1]."""
        return (images + fields[0][:, None]).clamp(0, 1)

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """The sum, within [0, 1]."""
        return add(images, change=fields[0])

    def size(self, fields: Fields) -> Tensor:
        """Mean absolute change of a pixel."""
        return fields[0].abs().mean(dim=(1, 2, 3))

    def describe(self, size: float) -> str:
        """The mean change as a share of the pixel range."""
        return f"a faint change of every pixel, {100 * size:.1f} % of the pixel range on average"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A changed image."""
        drawn: Floats = self.apply_numpy(fields, blank(self.image, image)[None])[0]
        return drawn


def add(images: Floats, *, change: Floats) -> Floats:
    """Images `(n, c, h, w)` with `change` `(c, h, w)` added, within [0, 1]."""
    added: Floats = np.clip(images + change, 0, 1).astype(np.float32)
    return added
