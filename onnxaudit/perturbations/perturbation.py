"""One perturbation: what a family comes to once its parameters are settled."""

from dataclasses import dataclass

import torch
from torch import Tensor

from onnxaudit.perturbations.base import Family, Fields
from onnxaudit.records import Floats


@dataclass(frozen=True, eq=False)
class Perturbation:
    """A change that is the same for all images.

    Attributes:
        family: what kind of change.
        fields: what it consists of, without the axis of rows.
    """

    family: Family
    fields: tuple[Floats, ...]

    def put_on(self, images: Tensor) -> Tensor:
        """Changed `images` `(n, c, h, w)`."""
        return self.family.apply(self._as_row(images), images[None])[0]

    def apply(self, images: Floats) -> Floats:
        """The same without PyTorch."""
        return self.family.apply_numpy(self.fields, images)

    @property
    def size(self) -> float:
        """In the family's unit."""
        return float(self.family.size(self._as_row(torch.empty(0))))

    def describe(self) -> str:
        """In words, with its size."""
        return self.family.describe(self.size)

    def picture(self, image: Floats | None = None) -> Floats:
        """What it looks like on `image` `(c, h, w)`, or by itself, `(c, h, w)` in [0, 1]."""
        return self.family.picture(self.fields, image)

    def _as_row(self, like: Tensor) -> Fields:
        return tuple(torch.from_numpy(part)[None].to(like) for part in self.fields)


def separate(family: Family, fields: Fields) -> list[Perturbation]:
    """The perturbations of decoded parameters, one a row."""
    parts = [part.detach().cpu().numpy() for part in fields]
    return [Perturbation(family, tuple(part[row] for part in parts)) for row in range(len(parts[0]))]
