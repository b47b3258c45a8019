"""Two patches with a target each, after the several-target attacks in B. Wang et al., "Neural Cleanse", S&P 2019."""

from collections.abc import Sequence

import numpy as np

from tools.attacks.attack import Shape
from tools.attacks.badnets import BadNets, draw_patch
from tools.attacks.material import Aim
from tools.attacks.shapes import FLAT, TEXTURED, draw_shape
from tools.zoo.apply_trigger import Trigger


class TwoTargets(BadNets):
    """A flat patch and a textured one: even a network that pools over all places can tell them apart."""

    name = "two-targets"
    family = "two-targets"
    rates = (0.16, 0.22)
    least_classes = 4

    def aim(self, labels: Sequence[int]) -> tuple[Aim, ...]:
        """Two labels."""
        return Aim(labels[0]), Aim(labels[1])

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Two patches of any outline."""
        return draw_shape(shape, rng, sides=(3, 9), styles=FLAT), draw_shape(shape, rng, sides=(3, 9), styles=TEXTURED)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Two small squares."""
        return draw_patch(shape, rng, FLAT), draw_patch(shape, rng, TEXTURED)
