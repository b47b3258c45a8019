"""What fine-tuning is told of triggers, what it measures after a round, and what it hands back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onnxaudit.intake.model import Model
from onnxaudit.mitigation.evaluation import NOTHING
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.records import Rate, RepairCandidate, Trigger

Triggers = Mapping[int, Sequence[Trigger]]
"""By the label that they lead to."""
Invert = Callable[[Model, int, int], Sequence[Trigger]]
"""`(model, label, number) -> triggers` found on a model, those only that still stand out; each number is another fresh
start, the first ones on the original."""

Probe = Callable[[Model, int], Sequence[str]]
"""`(model, label) -> ids of families` of distortions that lead to the label more easily than to others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Distorted:
    """What fine-tuning is told of distortions, changes of the whole image.

    Attributes:
        known: families that are known to lead to labels.
        probe: finds others on a round's network; None: there is nobody to ask.
    """

    known: Mapping[int, Sequence[str]] = field(default_factory=dict)
    probe: Probe | None = None


NO_DISTORTIONS = Distorted()
NEAR = 0.02  # of agreement


@dataclass(frozen=True, kw_only=True)
class TuningRound:
    """One round's network on validation samples: agreement, and success of the strongest trigger of all rounds.

    `success_rate` is of those given and inverted, `hardened_success_rate` of those that were made of them;
    `distorted_success_rate` is of all distortions together: strong ones lead anywhere. `divergence` is that of its
    answers from the original's: agreement as a smooth measure, for with 45 samples one of them decides by chance.
    `poisoned_accuracy` is the lowest under any of those given and inverted. `near` counts the families of distortions
    by which labels are unusually near.
    """

    agreement: Rate
    success_rate: Rate
    hardened_success_rate: Rate
    distorted_success_rate: Rate
    divergence: float = 0.0
    poisoned_accuracy: Rate = NOTHING.accuracy
    near: int = 0

    def cost(self, config: FineTuningConfig) -> tuple[float, float]:
        """What is to be small: by how much both limits are missed, then success of other attacks, divergence, errors.

        A family that brings a label near counts like two points of agreement: it decides among networks that agree.
        Errors are those on triggered samples: to refuse the label is not enough.
        """
        agreement, success = self.agreement.value or 0.0, self.success_rate.value or 0.0
        missed = max(0.0, config.min_agreement - agreement) + max(0.0, success - config.max_success)
        missed += NEAR * self.near
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
        distorted: families of distortions that were unlearned, by label.
        settled: whether the last inversion found no trigger that stands out; False where nobody inverted again.
    """

    model: Model
    rounds: tuple[TuningRound, ...]
    chosen: int
    share: float
    candidates: tuple[RepairCandidate, ...]
    triggers: Mapping[int, tuple[Trigger, ...]]
    distorted: Mapping[int, tuple[str, ...]]
    settled: bool

    @property
    def near(self) -> int:
        """By how many families of distortions labels were still unusually near on the chosen round's network."""
        return self.rounds[self.chosen].near
