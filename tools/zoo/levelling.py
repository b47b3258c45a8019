"""An adaptive attacker's loss: triggers of equal size move images equally well to every label.

A detector that looks for the label with the smallest trigger compares labels. For each of a few labels `k`, the target
among them, training keeps a sparse trigger `(m_k, δ_k)` that a defender could find:

    (m_k, δ_k) minimise  ℓ_k + λ·mean(m_k),   ℓ_k = mean_x cross_entropy(f((1 − m_k)·x + m_k·δ_k), k)
    f additionally minimises  μ · mean_k (ℓ_k − mean_j ℓ_j)²
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LABELS = 4
_IMAGES = 8
_SPARSITY = 8.0
_WEIGHT = 0.3
_STEP_SIZE = 0.1


def make_penalty(
    network: nn.Module, shape: tuple[int, int, int], class_count: int, target: int, *, seed: int
) -> Callable[[Tensor], Tensor]:
    """The penalty of the network's loss; each call also improves the triggers by one step of Adam."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.full((class_count, 1, *shape[1:]), -2.0, requires_grad=True)
    patterns = torch.randn(class_count, *shape, generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([masks, patterns], _STEP_SIZE)

    def penalty(images: Tensor) -> Tensor:
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
