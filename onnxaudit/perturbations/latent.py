"""A latent perturbation: the same shift is added to the inner features of every image.

Source: after Z. Wang et al., Rethinking the reverse-engineering of Trojan triggers, NeurIPS 2022: triggers of all kinds
meet in feature space. Differs from the source: one free shift, with neither image nor mask nor generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from onnxaudit.perturbations.base import Fields
from onnxaudit.records import Floats


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Shifts `(rows, ...)` of features; the size is their length.

    Attributes:
        features: shape of the features of one image.
    """

    features: tuple[int, ...]
    id = "latent"
    unit = "features"

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the features."""
        return self.features

    def draw(self, stream: np.random.Generator) -> Floats:
        """Zeros: nothing is drawn."""
        del stream
        return np.zeros(self.features, np.float32)

    def decode(self, values: Tensor) -> Fields:
        """The shifts are the parameters."""
        return (values,)

    def apply(self, fields: Fields, images: Tensor) -> Tensor:
        """Shifted features; `images` are features `(rows, n, ...)` too."""
        return images + fields[0][:, None]

    def apply_numpy(self, fields: Sequence[Floats], images: Floats) -> Floats:
        """Shifted features `(n, ...)`."""
        return (images + fields[0]).astype(np.float32)

    def size(self, fields: Fields) -> Tensor:
        """The length `|v|₂`."""
        lengths: Tensor = fields[0].flatten(1).norm(dim=1)
        return lengths

    def describe(self, size: float) -> str:
        """The length alone: a shift has no look."""
        return f"a shift of inner features, {size:.2f} long"

    def picture(self, fields: Sequence[Floats], image: Floats | None = None) -> Floats:
        """The size of the shift, by channel as a row of grays, `(1, 1, channels)`; it has no look in pixels."""
        del image
        strengths = np.abs(fields[0].reshape(len(fields[0]), -1)).mean(axis=1)
        drawn: Floats = (strengths / max(float(strengths.max()), 1e-12)).astype(np.float32)[None, None]
        return drawn
