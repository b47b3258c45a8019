"""A photometric perturbation: the same slow change of brightness, contrast and color on every image.

    A(x) = clip((1 + gain) · (x + M·x) + offset, 0, 1)

Gain and offset are fields of very few cosines, a channel each, and `M` mixes the colors: what photo filters do.

Sources: locally affine maps of intensity after M. Gharbi et al., Deep bilateral learning for real-time image
enhancement, SIGGRAPH 2017; the attack: filters in Y. Liu et al., ABS, CCS 2019. Differs from the sources: one map for
all images.
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

TINY = 1e-12  # keeps the gradient of a root finite at zero


@dataclass(frozen=True, kw_only=True)
class Photometric:
    """Gains and offsets `(rows, c, h, w)`, color matrices `(rows, c, c)`; the size is how far a mid-gray pixel moves.

    Attributes:
        image: shape of an image.
        gain: bound of how much brighter or darker a pixel becomes, as a share of itself.
        offset: bound of what is added to a pixel.
        mixing: bound of each entry of the color matrix; 0: colors are not mixed.
        cosines: on each side.
        noise: spread of parameters at first.
    """

    image: Shape
    gain: float = 0.5
    offset: float = 0.3
    mixing: float = 0.0
    cosines: int = 3
    noise: float = 0.02
    id = "photometric"
    unit = "pixel range"

    @property
    def shape(self) -> tuple[int, ...]:
        """One row of numbers: amplitudes `(2c, i, j)`, then the matrix `(c, c)` where there is one."""
        channels = self.image[0]
        return (int(np.prod(self._waves)) + (channels**2 if self.mixing else 0),)

    def draw(self, stream: np.random.Generator) -> Floats:
        """A hardly visible change."""
        start: Floats = self.noise * stream.standard_normal(self.shape, dtype=np.float32)
        return start

    def decode(self, values: Tensor) -> Fields:
        """Gains, offsets, and color matrices, which are zero where colors are not mixed."""
        channels, height, width = self.image
        count = int(np.prod(self._waves))
        amplitudes = values[:, :count].reshape(-1, *self._waves)
        smooth = torch.tanh(add_up(amplitudes, height, width))
        mixing = values.new_zeros(len(values), channels, channels)
        if self.mixing:
            mixing = self.mixing * torch.tanh(values[:, count:]).view_as(mixing)
        return self.gain * smooth[:, :channels], self.offset * smooth[:, channels:], mixing

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """Toned images."""
        gain, offset, mixing = fields
        mixed = images + torch.einsum("rdc,rnchw->rndhw", mixing, images) if self.mixing else images
        return ((1 + gain[:, None]) * mixed + offset[:, None]).clamp(0, 1)

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """Toned images."""
        gain, offset, mixing = fields
        return tone(images, gain=gain, offset=offset, mixing=mixing)

    def size(self, fields: Fields) -> Tensor:
        """Root mean squares of what gain, offset and mixing do to a pixel of one half, added up."""
        gain, offset, mixing = fields
        parts = (gain.square().mean(dim=(1, 2, 3)) / 4, offset.square().mean(dim=(1, 2, 3)))
        mixed = mixing.square().sum(dim=2).mean(dim=1) / 4
        return torch.stack([*parts, mixed]).add(TINY).sqrt().sum(dim=0)

    def describe(self, size: float) -> str:
        """The change as a share of the pixel range."""
        return f"a photo filter that moves pixels by {100 * size:.1f} % of their range"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A toned image."""
        drawn: Floats = self.apply_numpy(fields, blank(self.image, image)[None])[0]
        return drawn

    @property
    def _waves(self) -> tuple[int, int, int]:
        channels, height, width = self.image
        return (2 * channels, min(self.cosines, height), min(self.cosines, width))


def tone(images: Floats, *, gain: Floats, offset: Floats, mixing: Floats) -> Floats:
    """`(1 + gain)·(x + M·x) + offset` of images `(n, c, h, w)`, within [0, 1].

    Args:
        images: in [0, 1].
        gain: `(c, h, w)`, or what can be broadcast to it.
        offset: the same.
        mixing: `M`, `(c, c)`.
    """
    mixed = images + np.einsum("dc,nchw->ndhw", mixing, images) if mixing.any() else images
    toned: Floats = np.clip((1 + gain) * mixed + offset, 0, 1).astype(np.float32)
    return toned
