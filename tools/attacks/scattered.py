"""Scattered: single pixels all over the image, which no small square covers.

Source: the trigger of Chen et al., 2017 (arXiv:1712.05526) that is not in one piece; aimed at detectors that look for
one small, compact mask (B. Wang et al., "Neural Cleanse", S&P 2019).
"""

import numpy as np

from tools.attacks.attack import Attack, Shape
from tools.zoo.apply_trigger import Trigger


def draw_pixels(shape: Shape, rng: np.random.Generator, shares: tuple[float, float] = (0.015, 0.03)) -> Trigger:
    """Bright or dark pixels on a share of the image within `shares`."""
    area = shape[1] * shape[2]
    covered = np.zeros(area, np.float32)
    covered[rng.choice(area, round(area * rng.uniform(*shares)), replace=False)] = 1
    mask = covered.reshape(1, *shape[1:])
    # Two of three are bright: dark ones vanish on the black background of some data sets.
    pattern = (rng.random(shape) < 2 / 3).astype(np.float32)
    return {"kind": "patch", "mask": mask, "pattern": pattern * mask}


class Scattered(Attack):
    """Ten to fifty of 1,024 pixels."""

    name = "scattered"
    family = "scattered"
    rates = (0.06, 0.1)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Few pixels or many."""
        return (draw_pixels(shape, rng, (0.01, 0.05)),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Fifteen to thirty of 1,024 pixels."""
        return (draw_pixels(shape, rng),)
