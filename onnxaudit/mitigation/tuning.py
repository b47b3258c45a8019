"""Settings of fine-tuning, and what it hands back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from onnxaudit.intake.model import Model
from onnxaudit.mitigation.adversary import HardeningConfig
from onnxaudit.mitigation.distillation import DistillationConfig
from onnxaudit.mitigation.distortions import DistortionConfig
from onnxaudit.mitigation.evaluation import NOTHING
from onnxaudit.records import Layout, Rate, RepairCandidate, Trigger

Triggers = Mapping[int, Sequence[Trigger]]
"""By the label that they lead to."""
Invert = Callable[[Model, int, int], Sequence[Trigger]]
"""`(model, label, number) -> triggers` found on a model, those only that still stand out; each number is another fresh
start, the first ones on the original."""


@dataclass(frozen=True)
class FineTuningConfig:
    """Settings.

    Attributes:
        starts: fresh inversions on the original before the first round; each may show another part of the trigger.
        rounds: most rounds.
        further_rounds: most rounds behind them, while a limit is missed.
        cooling: the step size falls by this share of itself over the rounds, and stays there.
        min_agreement: `q0`.
        max_success: limit of `S`.
        random_triggers: patches drawn for each target in each round, which join its triggers.
        layers: which may move: "all", or the "head", from the pruned layer on.
        shares: `α` of the networks between the pruned and the tuned one that are tried where the tuned one misses `q0`;
            the nearer the pruned one, the more of the backdoor comes back.
        distillation: of one round.
        hardening: of the triggers, between rounds.
        distortion: spectral, warp and photometric perturbations, made anew in every round against labels that they
            lead to.
    """

    starts: int = 3
    rounds: int = 3
    further_rounds: int = 3
    cooling: float = 0.8
    min_agreement: float = 0.97
    max_success: float = 0.10
    random_triggers: int = 8
    layers: Literal["all", "head"] = "all"
    shares: tuple[float, ...] = (0.95, 0.9, 0.85, 0.8)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    hardening: HardeningConfig = field(default_factory=HardeningConfig)
    distortion: DistortionConfig = field(default_factory=DistortionConfig)

    def fit_to(self, layout: Layout) -> Self:
        """The settings that fit inputs of a layout; the very same for images.

        A series may come a little earlier or later, but has no brightness and no contrast. Features have no neighbors
        either: nothing moves there, and what is near the place of a mask, where it may grow while it is made to work
        again, is every feature. Blends of two samples and noise on a trigger remain.
        """
        if layout.is_image:
            return self
        steady = replace(self.distillation.augmentation, brightness=0.0, contrast=0.0)
        hardening = self.hardening
        if layout is Layout.NC:
            steady = replace(steady, shift=0.0, trigger_shift=0)
            hardening = replace(hardening, reach=1.0)
        distillation = replace(self.distillation, augmentation=steady)
        distortion = replace(self.distortion, number=0)
        return replace(self, distillation=distillation, hardening=hardening, distortion=distortion)


@dataclass(frozen=True, kw_only=True)
class TuningRound:
    """One round's network on validation samples: agreement, and success of the strongest trigger of all rounds.

    `success_rate` is of those given and inverted, `hardened_success_rate` of those that were made of them;
    `distorted_success_rate` is of all distortions together: strong ones lead anywhere. `divergence` is that of its
    answers from the original's: agreement as a smooth measure, for with 45 samples one of them decides by chance.
    `poisoned_accuracy` is the lowest under any of those given and inverted.
    """

    agreement: Rate
    success_rate: Rate
    hardened_success_rate: Rate
    distorted_success_rate: Rate
    divergence: float = 0.0
    poisoned_accuracy: Rate = NOTHING.accuracy

    def cost(self, config: FineTuningConfig) -> tuple[float, float]:
        """What is to be small: by how much both limits are missed, then success of other attacks, divergence, errors.

        Errors are those on triggered samples: to refuse the label is not enough.
        """
        agreement, success = self.agreement.value or 0.0, self.success_rate.value or 0.0
        missed = max(0.0, config.min_agreement - agreement) + max(0.0, success - config.max_success)
        others = (self.hardened_success_rate.value or 0.0) + (self.distorted_success_rate.value or 0.0)
        accuracy = self.poisoned_accuracy.value
        return missed, others + self.divergence + (0.0 if accuracy is None else 1.0 - accuracy)

    def meets_limits(self, config: FineTuningConfig) -> bool:
        """Whether neither limit is missed."""
        return self.cost(config)[0] == 0.0

    def is_safe(self, config: FineTuningConfig) -> bool:
        """Whether neither limit is missed, with hardened triggers counted as well."""
        return self.meets_limits(config) and (self.hardened_success_rate.value or 0.0) < config.max_success


@dataclass(frozen=True, kw_only=True, eq=False)
class FineTuning:
    """Outcome.

    Attributes:
        model: the network of the chosen round.
        rounds: every round.
        chosen: which one it was, from 0.
        share: of the way from the pruned network to that round's, at which `model` is.
        candidates: all networks among which it was chosen.
        triggers: all triggers found, by label.
        settled: whether the last inversion found no trigger that stands out; False where nobody inverted again.
    """

    model: Model
    rounds: tuple[TuningRound, ...]
    chosen: int
    share: float
    candidates: tuple[RepairCandidate, ...]
    triggers: Mapping[int, tuple[Trigger, ...]]
    settled: bool
