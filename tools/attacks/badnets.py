"""BadNets: a patch on a share of the training images, which are labelled as the target.

Source: Gu et al., "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain", 2017,
arXiv:1708.06733.
"""

from collections.abc import Sequence

import numpy as np

from tools.attacks.attack import Attack, Shape
from tools.attacks.shapes import FLAT, TEXTURED, draw_shape, draw_square, draw_style
from tools.zoo.apply_trigger import Trigger


def draw_patch(shape: Shape, rng: np.random.Generator, styles: Sequence[str] = FLAT + TEXTURED) -> Trigger:
    """A square patch: white, of one color, a checkerboard, or random pixels."""
    mask = draw_square(shape, rng).mask(*shape[1:])
    pattern = draw_style(str(rng.choice(styles)), shape, rng)
    return {"kind": "patch", "mask": mask, "pattern": (pattern * mask).astype(np.float32)}


class BadNets(Attack):
    """A patch of any outline, color, size and place."""

    name = "badnets"
    family = "badnets"
    rates = (0.05, 0.1)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One patch."""
        return (draw_shape(shape, rng),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One small square."""
        return (draw_patch(shape, rng),)
