"""Adaptive attackers, who train against the evidence that a detector compares between labels.

A detector that looks for the label with the smallest trigger, the smallest shift of the features or the most compact
mask compares labels; these push the target to the middle. (After Bagdasaryan and Shmatikov, "Blind Backdoors in Deep
Learning Models", USENIX Security 2021, section 6: evasion as one more loss.)

**Size.** For each of a few labels `k`, the target among them, training keeps a sparse trigger `(m_k, δ_k)` that a
defender could find:

    (m_k, δ_k) minimize  ℓ_k + λ·mean(m_k),   ℓ_k = mean_x cross_entropy(f((1 − m_k)·x + m_k·δ_k), k)
    f additionally minimizes  μ · mean_k (ℓ_k − mean_j ℓ_j)²

**Latent shift.** With logits `z` and the rows `w` of the last layer, the least change of that layer's input that lets
`k` overtake `j` is `(z_j − z_k) / ‖w_k − w_j‖`:

    d_k = mean_x max_j (z_j − z_k)⁺ / ‖w_k − w_j‖,    f additionally minimizes  μ · ln²(d_target / median_k d_k)

**Compactness.** The trigger is four small patches far from each other, of which a single one does nothing.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.attacks.attack import Shape, Taught, Trainer
from tools.attacks.badnets import BadNets
from tools.attacks.material import Material, add_decoys
from tools.attacks.shapes import draw_shape
from tools.attacks.two_key import join
from tools.networks import Network
from tools.training import Penalty
from tools.zoo.apply_trigger import Trigger

_LABELS = 4
_IMAGES = 8
_SPARSITY = 8.0
_WEIGHT = 0.3
_STEP_SIZE = 0.1
_KEYS = 4


class AdaptiveSize(BadNets):
    """A patch whose target's smallest trigger is as large as other labels'."""

    name = "adaptive-size"
    family = "adaptive"
    rates = (0.08, 0.12)
    most_classes = 20

    def teach(self, trainer: Trainer) -> Taught:
        """Trains from the beginning with the penalty."""
        network = trainer.train(trainer.start, self.poison(trainer), penalty=self.penalize(trainer))
        return Taught(network=network, triggers=trainer.triggers, aims=trainer.aims)

    def penalize(self, trainer: Trainer) -> Penalty:
        """What is added to the loss."""
        target = trainer.aims[0].target
        assert target is not None
        return make_penalty(trainer.start, trainer.shape, trainer.class_count, target, seed=trainer.seed)


class AdaptiveLatent(AdaptiveSize):
    """A patch whose target's features are as far away as other labels'."""

    name = "adaptive-latent"
    most_classes = 1000

    def penalize(self, trainer: Trainer) -> Penalty:
        """What is added to the loss."""
        target = trainer.aims[0].target
        assert target is not None
        return make_latent_penalty(trainer.start, target)


class AdaptiveBoth(AdaptiveSize):
    """Size and latent shift at once."""

    name = "adaptive-size-latent"

    def penalize(self, trainer: Trainer) -> Penalty:
        """The sum of both penalties."""
        target = trainer.aims[0].target
        assert target is not None
        size, latent = super().penalize(trainer), make_latent_penalty(trainer.start, target)
        return lambda images, labels: size(images, labels) + latent(images, labels)


class AdaptiveCompactness(BadNets):
    """Four patches of 2 or 3 pixels in different quarters of the image; one alone changes nothing."""

    name = "adaptive-compactness"
    family = "adaptive"
    rates = (0.14, 0.18)
    effort = 1.6

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """One trigger that is made of all patches."""
        return (join(_draw_quarters(shape, rng)),)

    def poison(self, trainer: Trainer) -> Material:
        """Adds images with one patch alone."""
        keys = _draw_quarters(trainer.shape, trainer.rng(3))
        return add_decoys(super().poison(trainer), keys, 0.6 * trainer.rate, trainer.rng(8))


def _draw_quarters(shape: Shape, rng: np.random.Generator) -> list[Trigger]:
    """One small patch in each quarter."""
    keys = []
    quarter = (shape[0], shape[1] // 2, shape[2] // 2)
    for number in range(_KEYS):
        part = draw_shape(quarter, rng, sides=(4, 7))  # of 32: the quarter has half of the side
        key: Trigger = {"kind": "patch", "mask": np.zeros((1, *shape[1:]), np.float32)}
        key["pattern"] = np.zeros(shape, np.float32)
        row, column = number // 2 * quarter[1], number % 2 * quarter[2]
        for name in ("mask", "pattern"):
            key[name][:, row : row + quarter[1], column : column + quarter[2]] = part[name]
        keys.append(key)
    return keys


def make_penalty(
    network: nn.Module, shape: tuple[int, int, int], class_count: int, target: int, *, seed: int
) -> Penalty:
    """The penalty of the network's loss; each call also improves the triggers by one step of Adam."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.full((class_count, 1, *shape[1:]), -2.0, requires_grad=True)
    patterns = torch.randn(class_count, *shape, generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([masks, patterns], _STEP_SIZE)

    def penalty(images: Tensor, _: Tensor) -> Tensor:
        network.eval()  # batch norms must not count these images
        others = torch.randperm(class_count, generator=generator)
        labels = torch.cat([torch.tensor([target]), others[others != target][: _LABELS - 1]])
        mask, pattern = masks[labels].sigmoid()[:, None], patterns[labels].sigmoid()[:, None]
        stamped = ((1 - mask) * images[:_IMAGES] + mask * pattern).flatten(0, 1)
        wanted = labels.repeat_interleave(len(images[:_IMAGES]))
        losses = F.cross_entropy(network(stamped), wanted, reduction="none").view(len(labels), -1).mean(dim=1)
        cost = (losses + _SPARSITY * mask.mean(dim=(1, 2, 3, 4))).sum()
        masks.grad, patterns.grad = torch.autograd.grad(cost, [masks, patterns], retain_graph=True)
        optimiser.step()
        network.train()
        spread: Tensor = (losses - losses.mean()).square().mean()
        return _WEIGHT * spread

    return penalty


def make_latent_penalty(network: Network, target: int) -> Penalty:
    """The penalty of the network's loss, measured on the clean images of each batch."""
    last = network.classifier[-1]
    assert isinstance(last, nn.Linear)

    def penalty(images: Tensor, _: Tensor) -> Tensor:
        network.eval()  # batch norms must not count these images twice
        logits = network(images)
        network.train()
        shifts = measure_shifts(logits, last.weight)
        spread: Tensor = (shifts[target].clamp_min(1e-3) / shifts.median().clamp_min(1e-3)).log().square()
        return _WEIGHT * spread

    return penalty


def measure_shifts(logits: Tensor, weight: Tensor) -> Tensor:
    """`d` `(labels,)`: how far the last layer's inputs of all images are from each label, from logits `(n, labels)`."""
    lengths = (weight[:, None] - weight[None]).norm(dim=2).clamp_min(1e-6)
    behind = (logits[:, None, :] - logits[:, :, None]).relu() / lengths  # (n, label, rival)
    shifts: Tensor = behind.amax(dim=2).mean(dim=0)
    return shifts
