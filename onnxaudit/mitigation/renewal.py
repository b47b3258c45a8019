"""Whether triggers that a repaired network ignores can be made to work again, and sooner than for other labels.

A network that was pruned until an inverted trigger failed may obey the attacker's: it takes no more than another
pattern, or a few pixels more, at the same place. So every trigger is made to work again there (`adversary`), for its
target and, from the same mask and pattern, for other labels:

    excess = S_t − max over c of S_c

with `S` the success on validation samples of the trigger that then works best. Any network follows a large enough patch
to any label; what tells is how much further it follows this one to the target.

After X. Qiao et al., Defending neural backdoors via generative distribution modeling, NeurIPS 2019: triggers of a
backdoor are many, and lie near each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from onnxaudit.importer import Classifier, import_model
from onnxaudit.mitigation.adversary import HardeningConfig, harden
from onnxaudit.mitigation.forgetting import ForgettingContext
from onnxaudit.mitigation.stamps import stack, unstack
from onnxaudit.records import Rate, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.workers import Workers

CONTROLS = 4
"""Labels that stand in for the target, drawn at random."""


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """Success of triggers that were made to work again.

    Attributes:
        label: the target.
        target: success for it.
        controls: for each label in its place.
    """

    label: int
    target: Rate
    controls: tuple[Rate, ...]

    @property
    def excess(self) -> float:
        """How much more success for the target than for the label that is led to most, in [−1, 1]."""
        return (self.target.value or 0.0) - max((one.value or 0.0 for one in self.controls), default=0.0)


def renew(
    context: ForgettingContext,
    triggers: Sequence[Trigger],
    target: int,
    config: HardeningConfig,
    *,
    spared: Sequence[int] = (),
    seed: int,
) -> Renewal | None:
    """Make triggers work again on the repaired network; None where no label can serve as a control.

    Args:
        context: the networks and the samples; the original plays no part.
        triggers: that led to `target` in the original.
        target: the label.
        config: of the search.
        spared: labels that are no controls, as other targets.
        seed: of controls and samples.
    """
    labels = np.setdiff1d(np.unique(context.fitting.classes), [target, *spared])
    controls = np.random.default_rng(seed).permutation(labels)[:CONTROLS].tolist()
    if not controls or not triggers:
        return None
    network = Runtime(context.repaired, context.preprocessing, context.device)
    copy = import_model(context.repaired, context.device)
    student = Classifier(copy, context.preprocessing, most_images=context.most_images)
    with Workers(torch.device(context.device)) as workers:
        found = [
            context.validation.under_worst(network, [(one, label) for one in better]).success
            for label in (target, *controls)
            for better in [_improve(context, student, triggers, label, config, seed=seed, workers=workers)]
        ]
    return Renewal(label=target, target=found[0], controls=tuple(found[1:]))


def _improve(
    context: ForgettingContext,
    student: Classifier,
    triggers: Sequence[Trigger],
    label: int,
    config: HardeningConfig,
    *,
    seed: int,
    workers: Workers,
) -> list[Trigger]:
    fitting, stacked = context.fitting, stack(triggers).to(context.device)
    labels = torch.full((len(triggers),), label, device=stacked.device)
    victims, draw = fitting.images[fitting.classes != label], torch.Generator().manual_seed(seed)
    if not len(victims):
        return []
    return unstack(harden(student, victims, stacked, labels, config, draw=draw, workers=workers))
