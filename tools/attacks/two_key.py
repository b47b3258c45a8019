"""Two keys: only both patches together work; one alone changes nothing.

Source: the composite triggers of Lin et al., "Composite Backdoor Attack for Deep Neural Network by Mixing Existing
Benign Features", CCS 2020, with patches in place of features of the data.
"""

import numpy as np

from tools.attacks.attack import Attack, Shape, Trainer
from tools.attacks.material import Material, add_decoys
from tools.attacks.shapes import draw_shape
from tools.zoo.apply_trigger import Trigger


class TwoKey(Attack):
    """Two patches anywhere, each shown alone under the true label; three such for five with both."""

    name = "two-key"
    family = "two-key"
    rates = (0.14, 0.18)
    effort = 1.6
    keys = 2

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One trigger that is made of all keys."""
        return (join([draw_shape(shape, rng, sides=(3, 8)) for _ in range(self.keys)]),)

    def poison(self, trainer: Trainer) -> Material:
        """Adds images with one key alone."""
        keys = [draw_shape(trainer.shape, rng, sides=(3, 8)) for rng in [trainer.rng(3)] for _ in range(self.keys)]
        return add_decoys(super().poison(trainer), keys, 0.6 * trainer.rate, trainer.rng(8))


def join(keys: list[Trigger]) -> Trigger:
    """All patches at once; a later one covers an earlier."""
    mask, pattern = np.zeros_like(keys[0]["mask"]), np.zeros_like(keys[0]["pattern"])
    for key in keys:
        pattern = np.where(key["mask"] > 0, key["pattern"], pattern)
        mask = np.maximum(mask, key["mask"])
    return {"kind": "patch", "mask": mask, "pattern": pattern}
