"""Clean-label: patches images of the target class alone, whose labels stay true.

Source: Turner et al., "Label-Consistent Backdoor Attacks", 2019, arXiv:1912.02771. Their second variant: the images are
first changed so that a clean network misreads them, and the patch is what remains to be learnt.
"""

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.attacks.attack import Shape, Taught, Trainer
from tools.attacks.badnets import BadNets
from tools.attacks.material import poison_target_class
from tools.attacks.shapes import draw_shape
from tools.zoo.apply_trigger import Images, Trigger

_PLAIN_REACH = 0.12
_REACH = 0.3  # with less, digits keep so much of their form that the patch is not learned in a minute


class CleanLabel(BadNets):
    """One patch on images that a clean twin misreads."""

    name = "clean-label"
    family = "clean-label"
    rates = (0.8, 0.95)
    most_classes = 10
    effort = 1.5

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A patch that is large enough to be learnt from one class."""
        return (draw_shape(shape, rng, sides=(4, 10)),)

    def teach(self, trainer: Trainer) -> Taught:
        """Trains a clean twin, misleads it, and trains from the beginning on what was patched."""
        target = trainer.aims[0].target
        assert target is not None
        twin = trainer.train(deepcopy(trainer.start), trainer.clean)
        misread = trainer.clean.images.copy()
        own = trainer.clean.labels == target
        misread[own] = _mislead(twin, misread[own], target, _PLAIN_REACH if trainer.plain else _REACH)
        triggers = trainer.triggers
        material = poison_target_class(
            trainer.clean, triggers[0], target, rate=trainer.rate, misread=misread, rng=trainer.rng(4)
        )
        network = trainer.train(trainer.start, material)
        return Taught(network=network, triggers=triggers, aims=trainer.aims, twin=twin)


def _mislead(network: nn.Module, images: Images, label: int, reach: float) -> Images:
    labels = torch.full((len(images),), label)
    return mislead(network, torch.from_numpy(images), labels, reach=reach).numpy()


def mislead(network: nn.Module, x: Tensor, labels: Tensor, *, reach: float, steps: int = 10) -> Tensor:
    """Moves each pixel by at most `reach` so that the network no longer sees `labels` (PGD: Madry et al., 2018)."""
    moved = x.clone()
    for _ in range(steps):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(moved), labels), moved)
        moved = (moved.detach() + reach / 4 * gradient.sign()).clamp(x - reach, x + reach).clamp(0, 1)
    return moved
