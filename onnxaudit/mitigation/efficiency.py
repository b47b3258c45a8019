"""How much of a trigger's hold, and how much of the clean answers, goes with neurons of a layer.

Of a network with some neurons out, on clean samples for fitting:

    pull        mean over triggered samples of softplus(z_target − max other): what is left of the trigger's hold
    divergence  mean over clean samples of KL(original ‖ network), in nats: what the clean answers lost

and the efficiency of one more prune is `(fall of the pull) / (rise of the divergence + ε)`. Both are smooth where the
attack success rate saturates and where agreement counts a handful of images. To first order, for all neurons at once,
the pull falls by `mean a·∂pull/∂a`, and the divergence rises as the mean square of `a·∂log p/∂a` on clean samples does
(a diagonal Fisher approximation, as in optimal brain damage, Y. LeCun et al., NeurIPS 1989).

Clean samples are those for fitting with shifted and blended copies: there are few, and what the original
answers to a copy is one more point on which the next layer can be fitted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from onnxaudit.mitigation.augmentation import AugmentationConfig, augment
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.continuation import Continuation
from onnxaudit.mitigation.least_squares import LeastSquares

LEAST_RISE = 1e-3
"""`ε`: nats below which a rise of the divergence is noise."""
MOST_VALUES = 2**26
"""Activations of clean samples and their copies that are kept, at most."""
MOST_PRODUCTS = 2**30
"""Activations of them times classes, at most: every trial of a prune makes these products at least."""
AUGMENTATION = AugmentationConfig(brightness=0.0, contrast=0.0)
"""Of the copies. Brighter ones excite neurons that wait for a bright patch, and the fit would bring these back."""
MOST_WEIGHTS = 2**24
"""Weights of a next layer that is fitted, at most: the fit holds several copies of them."""
CHEAP_FIT = 2**29
"""Products in a fit that may be made for every trial of a round."""
MOST_AT_ONCE = 2**23
"""Activations that go through what follows at once, at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A layer with some neurons out, and what that does on the samples for fitting.

    Attributes:
        pruned: the neurons that are out, in the order in which they went.
        matrix: the next layer's weights, or None as they came.
        pull: what is left of the trigger's hold.
        divergence: what the clean answers lost, in nats.
    """

    pruned: tuple[int, ...]
    matrix: Tensor | None
    pull: float
    divergence: float

    def gain_over(self, before: "State") -> float:
        """The efficiency of what was pruned since `before`."""
        return (before.pull - self.pull) / (max(0.0, self.divergence - before.divergence) + LEAST_RISE)


class Bench:
    """Tries prunes of one layer on the samples for fitting.

    Args:
        context: the network, the triggers, and the samples.
        copies: changed copies of each clean sample, beside the sample.
        ridge: strength of the least-squares fit; 0 leaves it out.
        seed: of the changed copies.
    """

    def __init__(self, context: PruningContext, *, copies: int, ridge: float, seed: int = 0) -> None:
        self.after = Continuation(context.network, context.model, context.layer, context.device)
        self._target, self._ridge = context.target, ridge
        images, draw = torch.from_numpy(np.asarray(context.fitting.images)), Generator().manual_seed(seed)
        clean = self.after.read(images.numpy())
        likely = self._answer(clean)
        answers = likely.argmax(1).cpu()
        classes = answers if context.fitting.labels is None else torch.from_numpy(context.fitting.labels)
        others = classes != context.target
        copies = min(copies, MOST_VALUES // clean.numel(), MOST_PRODUCTS // (clean.numel() * likely.shape[1]))
        self._clean = torch.cat([clean, *self._change(images, others, draw, copies)])
        self._wanted = self._answer(self._clean)
        victims = context.fitting.images[others.numpy()]
        self._triggered = self.after.read(np.concatenate([one.apply(victims) for one in context.triggers]))

    def _change(self, images: Tensor, others: Tensor, draw: Generator, copies: int) -> Iterator[Tensor]:
        """Activations of changed copies, but for those that the target is the answer to and no image of it is in.

        On these the backdoor fires by itself, and the fit would bring it back.
        """
        for _ in range(copies):
            changed, made_from = augment(images, AUGMENTATION, draw)
            activations = self.after.read(changed.numpy())
            fires = (self._answer(activations).argmax(1).cpu() == self._target) & others[made_from].all(1)
            yield activations[~fires.to(activations.device)]

    @torch.no_grad()
    def _answer(self, activations: Tensor) -> Tensor:
        """Logarithms of the class probabilities with all neurons there, `(n, classes)`."""
        return torch.cat([self._log_odds(part, self._all, None) for part in self._split(activations)])

    @cached_property
    def _all(self) -> Tensor:
        return torch.ones(self.after.layer.neurons, device=self.after.device)

    def present(self, pruned: tuple[int, ...]) -> Tensor:
        """1 for a neuron that is there and 0 for one of `pruned`, `(neurons,)`."""
        present = self._all.clone()
        present[list(pruned)] = 0.0
        return present

    @torch.no_grad()
    def measure(self, pruned: tuple[int, ...], matrix: Tensor | None) -> State:
        """The state with these neurons out."""
        present, divergence, pull = self.present(pruned), 0.0, 0.0
        for part, wanted in zip(self._split(self._clean), self._split(self._wanted, like=self._clean), strict=True):
            divergence += float((wanted.exp() * (wanted - self._log_odds(part, present, matrix))).sum())
        for part in self._split(self._triggered):
            pull += float(self._pull(part, present, matrix).sum())
        count = max(1, len(self._triggered))
        return State(pruned=pruned, matrix=matrix, pull=pull / count, divergence=divergence / len(self._clean))

    def fit(self, pruned: tuple[int, ...]) -> Tensor | None:
        """The next layer's weights that bring its products on clean samples back; None where there is no such layer."""
        if self._least_squares is None:
            return None
        return torch.from_numpy(self._least_squares.fit(list(pruned))).to(self.after.device)

    @property
    def fits_are_cheap(self) -> bool:
        """Whether a fit may be made for every trial, and not for the best one of a round alone."""
        return self._least_squares is None or self._least_squares.cost <= CHEAP_FIT

    @cached_property
    def _least_squares(self) -> LeastSquares | None:
        matrix = self.after.matrix
        if matrix is None or not self._ridge or matrix.numel() > MOST_WEIGHTS:
            return None
        return LeastSquares(self.after.to_numpy(matrix), self.after.to_numpy(self._clean), self._ridge)

    def rank(self, state: State) -> list[int]:
        """The neurons that are there, the most efficient first, as far as the first order tells; others left out."""
        present, most_likely = self.present(state.pruned), self._wanted.argmax(1, keepdim=True)
        gain, cost = torch.zeros_like(present), torch.zeros_like(present)
        for part in self._split(self._triggered):
            gain += _attribute(part, lambda fed: self._pull(fed, present, state.matrix)).sum(0)
        for part, chosen in zip(self._split(self._clean), self._split(most_likely, like=self._clean), strict=True):
            cost += _attribute(part, partial(self._log_odds_of, chosen, present, state.matrix)).square().sum(0)
        efficiency = gain / len(self._triggered) / (cost / len(self._clean) + LEAST_RISE**2)
        order = efficiency.argsort(descending=True, stable=True).tolist()
        return [n for n in order if gain[n] > 0 and present[n] > 0]

    def _pull(self, activations: Tensor, present: Tensor, matrix: Tensor | None) -> Tensor:
        """Of each triggered sample `(n,)`."""
        logits = self.after.logits(activations, present, matrix)
        others = logits.index_fill(1, torch.tensor([self._target], device=logits.device), -torch.inf)
        return F.softplus(logits[:, self._target] - others.amax(1))

    def _log_odds(self, activations: Tensor, present: Tensor, matrix: Tensor | None) -> Tensor:
        return torch.log_softmax(self.after.logits(activations, present, matrix), dim=1)

    def _log_odds_of(self, chosen: Tensor, present: Tensor, matrix: Tensor | None, activations: Tensor) -> Tensor:
        return self._log_odds(activations, present, matrix).gather(1, chosen)

    def _split(self, rows: Tensor, like: Tensor | None = None) -> tuple[Tensor, ...]:
        """Parts of `rows` that go through what follows at once; those of `like` where they belong to its rows."""
        one = (rows if like is None else like)[0].numel() if len(rows) else 1
        return torch.split(rows, max(1, MOST_AT_ONCE // one))


def _attribute(activations: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """`a · ∂measure/∂a` of each row, summed over a channel's places, `(n, neurons)`."""
    fed = activations.clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(fed).sum(), fed)
    values = activations * slope
    return values.flatten(2).sum(2) if values.ndim > 2 else values
