"""What decides on a repair, measured with onnxruntime on samples that no fit and no fine-tuning saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from onnxaudit.mitigation.evaluation import AttackRates, ReferenceSamples
from onnxaudit.records import Measurement, Samples, Trigger
from onnxaudit.runtime import Runtime


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """The samples and triggers that models are measured on.

    Attributes:
        validation: `D_valid`.
        evaluation: samples that decide nothing; `validation` where no further ones are given.
        triggers: the inverted triggers of each target label.
        known: the attacker's own trigger, where the caller has it.
    """

    validation: ReferenceSamples
    evaluation: ReferenceSamples
    triggers: Mapping[int, Sequence[Trigger]]
    known: Trigger | None = None

    @classmethod
    def of(
        cls,
        original: Runtime,
        validation: ReferenceSamples,
        triggers: Mapping[int, Sequence[Trigger]],
        *,
        further: Samples | None = None,
        known: Trigger | None = None,
    ) -> Self:
        """Next to the model that `original` runs; `further` clean samples stand in for `validation` where they can."""
        evaluation = validation if further is None else ReferenceSamples.of(original, further)
        return cls(validation=validation, evaluation=evaluation, triggers=triggers, known=known)

    @property
    def targets(self) -> tuple[int, ...]:
        """Labels that triggers lead to."""
        return tuple(self.triggers)

    def measure(self, network: Runtime) -> Measurement:
        """Accuracy, agreement, and what becomes of triggered samples, each of the worst trigger, on one model."""
        inverted = [(trigger, target) for target, some in self.triggers.items() for trigger in some]
        rates, known = self.validation.under_worst(network, inverted), self._measure_known(network)
        return Measurement(
            accuracy=self.evaluation.clean_accuracy(network),
            agreement=self.validation.agreement(network),
            success_rate=rates.success,
            known_success_rate=None if known is None else known.success,
            poisoned_accuracy=rates.accuracy,
            known_poisoned_accuracy=None if known is None else known.accuracy,
        )

    def _measure_known(self, network: Runtime) -> AttackRates | None:
        # Nobody says which target the known trigger leads to.
        if self.known is None:
            return None
        return self.evaluation.under_worst(network, [(self.known, target) for target in self.triggers])
