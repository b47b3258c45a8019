"""What a copy is asked while it is distilled, and how far its answers are from those of the original.

    w · KL_T( f(x) ‖ g(x') )  +  w · φ · ‖h_g(x') − h_f(x)‖² / var(h_f)  +  s · max(0, ζ_g(x') − max(ζ_f(x), −c))

See `distillation` for the symbols.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

CLEAN = -1  # instead of the label that a trigger leads to


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Augmented images `x` and what the original makes of them; `temperature` and `variance` are their units.

    Attributes:
        images: `(n, c, h, w)`.
        logits: of the original, `(n, classes)`.
        activations: of the pruned layer in the original, `(n, values)`.
        temperature: `T`.
        variance: mean square distance of activations from their mean.
    """

    images: Tensor
    logits: Tensor
    activations: Tensor
    temperature: Tensor
    variance: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions(Lesson):
    """One step's images and what is wanted.

    Attributes:
        targets: labels to refuse, or `CLEAN`, `(n,)`.
        weights: `w`: how much the original's answer to the unstamped image counts, `(n,)`.
    """

    targets: Tensor
    weights: Tensor

    def take(self, rows: Tensor) -> Self:
        """Some of them."""
        kept = rows.to(self.targets.device)
        return replace(
            self,
            images=self.images[rows],
            targets=self.targets[kept],
            weights=self.weights[kept],
            logits=self.logits[kept],
            activations=self.activations[kept],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss:
    """The distance of a copy's answers from those wanted.

    Attributes:
        present: 1 for each neuron of the layer that is not pruned, else 0, `(neurons,)`.
        activations: `φ`.
        refusal: `s`.
        refusal_margin: `c`.
    """

    present: Tensor
    activations: float
    refusal: float
    refusal_margin: float

    def sum_over(self, asked: Questions, logits: Tensor, activations: Tensor) -> Tensor:
        """Summed over the images, for the copy's `logits` `(n, classes)` and `activations` `(n, values)`."""
        unit, clean = asked.temperature, asked.targets == CLEAN
        answers = F.kl_div(F.log_softmax(logits / unit, 1), F.softmax(asked.logits / unit, 1), reduction="none")
        present = self.present.repeat_interleave(activations.shape[1] // len(self.present))  # a map has many places
        gaps = ((activations - asked.activations) * present).square().sum(dim=1) / asked.variance
        loss = (asked.weights * (answers.sum(dim=1) + self.activations * gaps)).sum()
        if clean.all():
            return loss
        refusal = self._refuse(logits[~clean], asked.logits[~clean], asked.targets[~clean], unit)
        return loss + self.refusal * refusal.sum()

    def _refuse(self, logits: Tensor, wanted: Tensor, labels: Tensor, unit: Tensor) -> Tensor:
        """How far the label of the trigger on each image exceeds what it may have; 0 where it is the right answer."""
        allowed = (lead(wanted, labels) / unit).clamp(min=-self.refusal_margin, max=0.0)
        excess = F.relu(lead(logits, labels) / unit - allowed)
        return torch.where(wanted.argmax(dim=1) == labels, torch.zeros_like(excess), excess)


def lead(logits: Tensor, labels: Tensor) -> Tensor:
    """`z_label − logsumexp of the others` `(n,)` of logits `(n, classes)`."""
    own = labels[:, None]
    others = logits.scatter(1, own, -torch.inf)
    return logits.gather(1, own)[:, 0] - others.logsumexp(dim=1)
