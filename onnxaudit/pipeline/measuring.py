"""What a repair is judged by, measured with onnxruntime on samples that no fit and no fine-tuning saw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from onnxaudit.intake import Model
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import Ints, Measurement, Rate, Samples, Trigger, WeightChange
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate, rate_of


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The samples and triggers that models are measured on.

    Attributes:
        validation: `D_valid`.
        answers: the original's predictions on `validation` `(n,)`.
        classes: classes of `validation` `(n,)`: labels, or the original's predictions.
        evaluation: samples that judge nothing; `validation` where no further ones are given.
        evaluation_classes: classes of `evaluation` `(n,)`, likewise.
        triggers: the inverted trigger of each target label.
        known: the attacker's own trigger, where the caller has it.
    """

    validation: Samples
    answers: Ints
    classes: Ints
    evaluation: Samples
    evaluation_classes: Ints
    triggers: Mapping[int, Trigger]
    known: Trigger | None

    def measure(self, runtime: Runtime) -> Measurement:
        """Accuracy, agreement, and success of the triggers, each of the worst target, on one model."""
        evaluated = classify(runtime, self.evaluation)
        labels = self.evaluation.labels
        inverted = [self._success(runtime, trigger, label) for label, trigger in self.triggers.items()]
        return Measurement(
            accuracy=rate(0, 0) if labels is None else rate_of(evaluated == labels),
            agreement=rate_of(classify(runtime, self.validation) == self.answers),
            success_rate=_worst(inverted),
            known_success_rate=None if self.known is None else self._known_success(runtime, self.known),
        )

    def _success(self, runtime: Runtime, trigger: Trigger, label: int) -> Rate:
        return measure_success(runtime, self.validation, self.classes, trigger, label)

    def _known_success(self, runtime: Runtime, known: Trigger) -> Rate:
        # Nobody says which target the known trigger leads to.
        rates = [
            measure_success(runtime, self.evaluation, self.evaluation_classes, known, label) for label in self.triggers
        ]
        return _worst(rates)


def make_yardstick(
    runtime: Runtime,
    validation: Samples,
    evaluation: Samples | None,
    triggers: Mapping[int, Trigger],
    known: Trigger | None,
) -> Yardstick:
    """The yardstick of the original that `runtime` runs; see `Yardstick` for the arguments."""
    answers = classify(runtime, validation)
    classes = answers if validation.labels is None else validation.labels
    if evaluation is None:
        return Yardstick(validation, answers, classes, validation, classes, triggers, known)
    evaluated = classify(runtime, evaluation) if evaluation.labels is None else evaluation.labels
    return Yardstick(validation, answers, classes, evaluation, evaluated, triggers, known)


def measure_success(runtime: Runtime, samples: Samples, classes: Ints, trigger: Trigger, label: int) -> Rate:
    """Share of triggered samples of other `classes` that are classified as `label` (ASR)."""
    others = samples.take(classes != label)
    if not len(others):
        return rate(0, 0)
    return rate_of(runtime.predict(trigger.apply(others.images)).argmax(axis=1) == label)


def classify(runtime: Runtime, samples: Samples) -> Ints:
    """Predicted classes `(n,)`."""
    classes: Ints = runtime.predict(samples.images).argmax(axis=1)
    return classes


def list_changes(original: Model, repaired: Model) -> tuple[WeightChange, ...]:
    """What a repair did to each stored tensor, Constant nodes and nested graphs included, in the order of the graph."""
    changes = []
    for name, _ in list_stored(original.proto):
        if name not in repaired.values:
            continue
        before, after = original.initializer(name), repaired.initializer(name)
        changed = int((before != after).sum())
        if changed:
            norm = float(np.linalg.norm(after.astype(np.float64) - before.astype(np.float64)))
            changes.append(WeightChange(name, changed, int(before.size), norm))
    return tuple(changes)


def describe_saturation(original: Model, repaired: Model) -> tuple[str, ...]:
    """A sentence where quantised weights were moved to an end of their range, which clips what lies beyond; or none."""
    saturated = 0
    for name, after in repaired.values.items():
        if after.dtype.kind in "iu":
            limits = np.iinfo(after.dtype)
            ends = (after == limits.min) | (after == limits.max)
            saturated += int((ends & (after != original.initializer(name))).sum())
    if not saturated:
        return ()
    return (
        f"{saturated} entries of quantised weights were moved to an end of their range; what lay beyond is clipped",
    )


def _worst(rates: list[Rate]) -> Rate:
    return max(rates, key=lambda measured: measured.value or 0.0)
