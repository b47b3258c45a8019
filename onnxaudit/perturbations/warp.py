"""A warp: every image is bent by the same smooth flow, `A(x)(p) = x(p + flow(p))`.

    flow = bound · side · tanh(Σ u·cos)      few cosines, rows and columns apart

Sources: flows after C. Xiao et al., Spatially transformed adversarial examples, ICLR 2018; the attack: A. Nguyen and
A. Tran, WaNet, ICLR 2021. Differs from the sources: one flow for all images, of few cosines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.perturbations.base import Fields, Shape
from onnxaudit.perturbations.canvas import checker
from onnxaudit.perturbations.cosines import add_up
from onnxaudit.records import Floats

TINY = 1e-12  # keeps the gradient of a root finite at zero


@dataclass(frozen=True, kw_only=True)
class Warp:
    """Flows in pixels `(rows, 2, h, w)`, rows then columns; the size is the root mean square displacement.

    Attributes:
        image: shape of an image.
        bound: of a pixel's way in each direction, as a share of the image's shorter side.
        cosines: on each side.
        noise: spread of amplitudes at first.
    """

    image: Shape
    bound: float = 0.05
    cosines: int = 5
    noise: float = 0.02
    id = "warp"
    unit = "share of the shorter side"

    @property
    def shape(self) -> tuple[int, ...]:
        """`(2, i, j)`, lowest frequencies first."""
        _, height, width = self.image
        return (2, min(self.cosines, height), min(self.cosines, width))

    def draw(self, stream: np.random.Generator) -> Floats:
        """A hardly visible flow."""
        start: Floats = self.noise * stream.standard_normal(self.shape, dtype=np.float32)
        return start

    def decode(self, values: Tensor) -> Fields:
        """Flows."""
        return (self.bound * self._side * torch.tanh(add_up(values, *self.image[1:])),)

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """Bent images; what would come from beyond the border is the border."""
        flows, (rows, count) = fields[0], images.shape[:2]
        height, width = flows.shape[2:]
        down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places = torch.stack([across.to(flows) + flows[:, 1], down.to(flows) + flows[:, 0]], dim=-1)
        sides = torch.tensor([max(1, width - 1), max(1, height - 1)]).to(flows)
        grid = (2 * places / sides - 1).repeat_interleave(count, dim=0)
        bent = F.grid_sample(images.flatten(0, 1), grid, padding_mode="border", align_corners=True)
        return bent.clamp(0, 1).view(rows, count, *bent.shape[1:])

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """Bent images."""
        return bend(images, flow=fields[0])

    def size(self, fields: Fields) -> Tensor:
        """Root mean square displacement as a share of the shorter side."""
        return (fields[0].square().sum(dim=1).mean(dim=(1, 2)) + TINY).sqrt() / self._side

    def describe(self, size: float) -> str:
        """The displacement in pixels."""
        return f"a warp that moves pixels by {size * self._side:.2f} on average"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """A bent image, or a bent checkerboard."""
        drawn: Floats = self.apply_numpy(fields, checker(self.image, image)[None])[0]
        return drawn

    @property
    def _side(self) -> int:
        return min(self.image[1:])


def bend(images: Floats, *, flow: Floats) -> Floats:
    """Images `(n, c, h, w)`, each place showing what is `flow` `(2, h, w)` pixels (rows, columns) away, bilinearly."""
    height, width = images.shape[2:]
    rows, columns = np.mgrid[0:height, 0:width] + flow
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    upper = images[:, :, top, left] * (1 - across) + images[:, :, top, right] * across
    lower = images[:, :, bottom, left] * (1 - across) + images[:, :, bottom, right] * across
    bent: Floats = np.clip(upper * (1 - down) + lower * down, 0, 1).astype(np.float32)
    return bent
