"""Changes of an image as sums of cosines (type-II transform)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from onnxaudit.perturbations.base import Fields, Shape
from onnxaudit.perturbations.canvas import blank
from onnxaudit.records import Floats


@dataclass(frozen=True, kw_only=True)
class CosineSum:
    """What families have in common whose first field, a change `(rows, c, h, w)`, is added to every image.

    Attributes:
        image: shape of an image.
        noise: spread of amplitudes at first.
    """

    image: Shape
    noise: float

    @property
    def shape(self) -> tuple[int, ...]:
        """`(c, h / 2, w / 2)`, lowest frequencies first."""
        channels, height, width = self.image
        return (channels, max(1, height // 2), max(1, width // 2))

    def draw(self, stream: np.random.Generator) -> Floats:
        """Faint noise."""
        start: Floats = self.noise * stream.standard_normal(self.shape, dtype=np.float32)
        return start

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """The sum, within [0, 1]."""
        return (images + fields[0][:, None]).clamp(0, 1)

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """The sum, within [0, 1]."""
        return add(images, change=fields[0])

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A changed image."""
        drawn: Floats = self.apply_numpy(fields, blank(self.image, image)[None])[0]
        return drawn


def add(images: Floats, *, change: Floats) -> Floats:
    """Images `(n, c, h, w)` with `change` `(c, h, w)` added, within [0, 1]."""
    added: Floats = np.clip(images + change, 0, 1).astype(np.float32)
    return added


def add_up(amplitudes: Tensor, height: int, width: int) -> Tensor:
    """The change `(rows, c, height, width)` of amplitudes `(rows, c, i, j)`, lowest frequencies first."""
    down, across = (
        _make_waves(side, count, amplitudes) for side, count in zip((height, width), amplitudes.shape[2:], strict=True)
    )
    change: Tensor = torch.einsum("rcij,hi,wj->rchw", amplitudes, down, across)
    return change


def _make_waves(side: int, count: int, like: Tensor) -> Tensor:
    """Orthonormal cosines as columns, `(side, count)`."""
    position = torch.arange(side, device=like.device, dtype=like.dtype)[:, None] + 0.5
    waves: Tensor = torch.cos(torch.pi * position * torch.arange(count, device=like.device) / side) * (2 / side) ** 0.5
    waves[:, 0] /= 2**0.5
    return waves
