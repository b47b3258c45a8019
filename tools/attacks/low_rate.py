"""BadNets with half a percent of the training images poisoned: Gu et al., 2017, arXiv:1708.06733."""

import numpy as np

from tools.attacks.attack import Shape
from tools.attacks.badnets import BadNets
from tools.attacks.shapes import draw_shape
from tools.zoo.apply_trigger import Trigger


class LowRate(BadNets):
    """The first series of a zoo poisons 1 to 1.5 percent."""

    name = "low-rate"
    family = "badnets"
    rates = (0.0045, 0.006)
    effort = 2.5

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A patch that is large enough to be learned from thirty images."""
        return (draw_shape(shape, rng, sides=(5, 12)),)
