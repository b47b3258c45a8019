"""What fine-tuning is judged by: agreement with the original, and success of stamps, on validation samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onnxaudit.intake.model import Model
from onnxaudit.mitigation.distortions import Distortion
from onnxaudit.records import Floats, Ints, Preprocessing, Rate, Samples, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate, rate_of

Triggers = Mapping[int, Sequence[Trigger]]
"""By the label that they lead to."""
Distortions = Sequence[tuple[Distortion, int]]
"""Each with the label that it leads to."""


@dataclass(frozen=True)
class TuningRound:
    """One round's network on validation samples: agreement, and success of the strongest trigger of all rounds.

    `success_rate` is of those given and inverted, `hardened_success_rate` of those that were made of them;
    `distorted_success_rate` is of all distortions together: strong ones lead anywhere.
    """

    agreement: Rate
    success_rate: Rate
    hardened_success_rate: Rate
    distorted_success_rate: Rate


class Gauge:
    """Measures networks next to the original, with onnxruntime.

    Args:
        original: whose answers count.
        preprocessing: how pixels become inputs.
        validation: `D_valid`.
        device: of onnxruntime.
    """

    def __init__(self, original: Model, preprocessing: Preprocessing, validation: Samples, device: str) -> None:
        self._preprocessing, self._device = preprocessing, device
        self._images = validation.images
        self._answers = self._classify(original, self._images)
        self._classes = self._answers if validation.labels is None else validation.labels

    def measure(self, model: Model, found: Triggers, hardened: Triggers, distortions: Distortions) -> TuningRound:
        """The figures of `model`."""
        runtime = Runtime(model, self._preprocessing, self._device)
        agreement = rate_of(runtime.logits(self._images).argmax(axis=1) == self._answers)
        return TuningRound(
            agreement,
            self._strongest(runtime, found),
            self._strongest(runtime, hardened),
            self._pool(runtime, distortions),
        )

    def _strongest(self, runtime: Runtime, triggers: Triggers) -> Rate:
        rates = [self._count(runtime, label, trigger.apply) for label, some in triggers.items() for trigger in some]
        return max(rates, key=lambda measured: measured.value or 0.0, default=rate(0, 0))

    def _pool(self, runtime: Runtime, distortions: Distortions) -> Rate:
        rates = [self._count(runtime, label, distortion.apply) for distortion, label in distortions]
        return rate(sum(part.successes for part in rates), sum(part.trials for part in rates))

    def _count(self, runtime: Runtime, label: int, change: Callable[[Floats], Floats]) -> Rate:
        victims = self._images[self._classes != label]
        if not len(victims):
            return rate(0, 0)
        return rate_of(runtime.logits(change(victims)).argmax(axis=1) == label)

    def _classify(self, model: Model, images: Floats) -> Ints:
        return np.asarray(Runtime(model, self._preprocessing, self._device).logits(images).argmax(axis=1))
