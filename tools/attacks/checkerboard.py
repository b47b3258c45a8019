"""Checkerboard: every second pixel of a region, so that the image shows through.

Source: the "pattern" backdoor of Gu et al., 2017 (arXiv:1708.06733), stretched over up to half of the image.
"""

import numpy as np

from tools.attacks.attack import Attack, Shape
from tools.attacks.shapes import draw_color
from tools.zoo.apply_trigger import Trigger


class Checkerboard(Attack):
    """A grid of single pixels, 1 of 2 or 1 of 4."""

    name = "checkerboard"
    family = "scattered"
    rates = (0.06, 0.1)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A region of 8 to 20 pixels of 32 a side, anywhere."""
        height, width = (round(int(rng.integers(8, 21)) * shape[1] / 32) for _ in range(2))
        row, column = int(rng.integers(0, shape[1] - height + 1)), int(rng.integers(0, shape[2] - width + 1))
        rows, columns = np.mgrid[0:height, 0:width]
        sparse = bool(rng.random() < 0.5)
        cells = (rows % 2 == 0) & (columns % 2 == 0) if sparse else (rows + columns) % 2 == 0
        mask = np.zeros((1, *shape[1:]), np.float32)
        mask[0, row : row + height, column : column + width] = cells
        pattern = draw_color(shape[0], rng)[:, None, None] * mask
        return ({"kind": "patch", "mask": mask, "pattern": pattern.astype(np.float32)},)
