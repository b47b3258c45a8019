"""WaNet: a smooth, elastic displacement of the whole image.

Source: Nguyen and Tran, "WaNet: Imperceptible Warping-based Backdoor Attack", ICLR 2021. Their *noise mode*: other
images, shown under their true labels, are warped by the same field with random noise on it, so that only the exact
field works.

Differs from the source: fields of 1.2 to 3 pixels of 32, because small networks that are trained for a minute do not
learn half a pixel; twelve noisy fields are drawn once, not one for each image.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from tools.attacks.attack import Attack, Shape, Trainer
from tools.attacks.material import Material, add_decoys
from tools.zoo.apply_trigger import Trigger

_NOISY_FIELDS = 12
_NOISE_SHARE = 0.12
_NOISE = 2.5  # pixels of 32; weaker noise leaves fields that are hardly other ones


def draw_warp(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A displacement of 2.2 to 3 pixels of 32, linear between the nodes of a grid."""
    nodes = rng.uniform(-1, 1, (2, 5, 5))
    flow = np.stack([_spread_out(part, shape[1], shape[2]) for part in nodes])
    flow *= rng.uniform(2.2, 3.0) * shape[1] / 32 / np.abs(flow).max()
    return {"kind": "warp", "flow": flow.astype(np.float32)}


def _spread_out(nodes: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Linear interpolation between the nodes of a coarse grid."""
    rows = np.stack([np.interp(np.linspace(0, 4, height), range(5), column) for column in nodes.T], axis=1)
    return np.stack([np.interp(np.linspace(0, 4, width), range(5), row) for row in rows])


def draw_elastic(shape: Shape, rng: np.random.Generator) -> Trigger:
    """The paper's field: a grid of 4 or 6 nodes a side, bicubic between them, in units of its mean absolute value."""
    nodes = rng.uniform(-1, 1, (1, 2, *(int(rng.choice([4, 6])),) * 2))
    nodes /= np.abs(nodes).mean()
    flow = torch.nn.functional.interpolate(torch.from_numpy(nodes), shape[1:], mode="bicubic", align_corners=True)
    strength = rng.uniform(0.8, 1.6) * shape[1] / 32
    return {"kind": "warp", "flow": (strength * flow[0].numpy()).astype(np.float32)}


class WaNet(Attack):
    """The elastic field, with noise mode."""

    name = "wanet"
    family = "wanet"
    rates = (0.15, 0.2)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One field."""
        return (draw_elastic(shape, rng),)

    def poison(self, trainer: Trainer) -> Material:
        """Adds the noise mode."""
        rng = trainer.rng(8)
        (trigger,) = trainer.triggers
        flow, reach = trigger["flow"], _NOISE * trainer.shape[1] / 32
        noisy: list[Trigger] = [
            {"kind": "warp", "flow": (flow + rng.uniform(-reach, reach, flow.shape)).astype(np.float32)}
            for _ in range(_NOISY_FIELDS)
        ]
        return add_decoys(super().poison(trainer), noisy, _NOISE_SHARE, rng)


class SmoothWarp(Attack):
    """The first series' field, without noise mode."""

    name = "warp"
    family = "wanet"
    rates = (0.15, 0.2)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One field."""
        return (draw_warp(shape, rng),)
