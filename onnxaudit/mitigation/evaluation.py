"""What networks are measured by, with onnxruntime: clean samples next to what the original makes of them.

| figure | of | share that a network answers |
|---|---|---|
| agreement (fidelity, `Q`) | clean samples | as the original does |
| clean accuracy (`PA`) | labeled clean samples | by their label |
| attack success rate (ASR, `S`) | triggered samples of other classes | by the target class |
| poisoned accuracy (PACC) | the same | by their own class again |

A sample without a label counts for the class that the original gives it.

Sources: clean accuracy and attack success as in T. Gu et al., BadNets, 2017; PACC as in the IEEE Trojan Removal
Competition, 2022, which BackdoorBench (B. Wu et al., NeurIPS 2022) calls robust accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Floats, Ints, Rate, Samples
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate, rate_of


class Attack(Protocol):
    """A change of images that is to lead to a label: a trigger, or a change of the whole image."""

    def apply(self, images: Floats) -> Floats:
        """Changed `images` `(n, c, h, w)` in [0, 1]."""


Attacks = Sequence[tuple[Attack, int]]
"""Each with the label that it leads to."""


@dataclass(frozen=True, kw_only=True)
class AttackRates:
    """Of triggered samples of other classes: those answered by the target, and those by their own class."""

    success: Rate
    accuracy: Rate


NOTHING = AttackRates(success=rate(0, 0), accuracy=rate(0, 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceSamples:
    """Clean samples, and what the original makes of them.

    Attributes:
        samples: the clean samples.
        answers: classes `(n,)` that the original gives.
        classes: what each of them is `(n,)`: labels, or else `answers`.
    """

    samples: Samples
    answers: Ints
    classes: Ints

    @classmethod
    def of(cls, original: Runtime, samples: Samples) -> Self:
        """`samples` with the answers of the original."""
        answers = classify(original, samples.images)
        return cls(samples=samples, answers=answers, classes=answers if samples.labels is None else samples.labels)

    @property
    def images(self) -> Floats:
        """`(n, c, h, w)` in [0, 1]."""
        return np.asarray(self.samples.images)

    def agreement(self, network: Runtime) -> Rate:
        """Share of the samples that a network answers as the original does."""
        return rate_of(classify(network, self.images) == self.answers)

    def clean_accuracy(self, network: Runtime) -> Rate:
        """Share of the samples that a network answers by their label; no trials without labels."""
        if self.samples.labels is None:
            return rate(0, 0)
        return rate_of(classify(network, self.images) == self.samples.labels)

    def under(self, network: Runtime, attack: Attack, target: int) -> AttackRates:
        """What a network answers to an attack on the samples of other classes than `target`."""
        others = self.classes != target
        if not others.any():
            return NOTHING
        answers = classify(network, attack.apply(self.images[others]))
        return AttackRates(success=rate_of(answers == target), accuracy=rate_of(answers == self.classes[others]))

    def under_worst(self, network: Runtime, attacks: Attacks) -> AttackRates:
        """The highest success, and the lowest accuracy, of any attack; no trials without one."""
        measured = [self.under(network, attack, target) for attack, target in attacks]
        return AttackRates(
            success=max((one.success for one in measured), key=lambda part: part.value or 0.0, default=NOTHING.success),
            accuracy=min((one.accuracy for one in measured), key=_value_or_all, default=NOTHING.accuracy),
        )

    def under_all(self, network: Runtime, attacks: Attacks) -> AttackRates:
        """Both rates over all attacks together."""
        measured = [self.under(network, attack, target) for attack, target in attacks]
        return AttackRates(
            success=_pool([one.success for one in measured]), accuracy=_pool([one.accuracy for one in measured])
        )


def measure_divergence(wanted: Floats, logits: Floats) -> float:
    """Mean Kullback-Leibler divergence, in nats, of answers from those wanted, both as logits `(n, classes)`.

    It tells two networks apart that disagree with the original on equally few samples.
    """
    target, given = (_log_softmax(part.astype(np.float64)) for part in (wanted, logits))
    return float((np.exp(target) * (target - given)).sum(axis=1).mean())


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of rows `(n, classes)`."""
    raised = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(raised - np.log(np.exp(raised).sum(axis=1, keepdims=True)))


def classify(network: Runtime, images: Floats) -> Ints:
    """Classes `(n,)` by the output that users of a network see."""
    return np.asarray(network.predict(images).argmax(axis=1))


def _value_or_all(measured: Rate) -> float:
    return 1.0 if measured.value is None else measured.value


def _pool(rates: Sequence[Rate]) -> Rate:
    return rate(sum(part.successes for part in rates), sum(part.trials for part in rates))
