"""Fine-tune the pruned network until its label no longer stands out: METHOD step 4.

Each round distils the original into the copy on clean images, a share of them stamped with every trigger found so far
(loss: `distillation`). Then triggers are inverted again, from fresh starts on the tuned copy, and join the others. The
rounds end when no fresh trigger stands out. Pruned neurons stay at zero; validation samples alone choose which
round's network is handed back:

    min over rounds of  max(0, q0 − Q) + max(0, S − max_success),  then of  S − Q

with `S` the success of the strongest trigger found in any round.

Differs from the source:
- the source tunes on clean samples alone, which does not remove patch triggers; without triggers this does as it does;
- one inverted trigger is a part of the real one, or another way to the label: measured on ten backdoored models,
  tuning with the first inverted trigger alone left the real one at up to 0.9.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.augmentation import stack
from onnxaudit.mitigation.distillation import DistillationConfig, Distiller
from onnxaudit.records import Event, Floats, Ints, OnEvent, Preprocessing, Rate, Samples, TargetLayer, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate, rate_of
from onnxaudit.surgery import neuron_entries, tunable_weights

NEVER = Deadline()
Triggers = Mapping[int, Sequence[Trigger]]
Invert = Callable[[Model, int, int], Sequence[Trigger]]


@dataclass(frozen=True)
class FinetuningConfig:
    """Settings.

    Attributes:
        rounds: most rounds of distilling and inverting again.
        min_agreement: `q0`, for the choice between rounds.
        max_success: limit of `S`, for the choice between rounds.
        distillation: of one round.
    """

    rounds: int = 4
    min_agreement: float = 0.97
    max_success: float = 0.10
    distillation: DistillationConfig = field(default_factory=DistillationConfig)


@dataclass(frozen=True)
class TuningRound:
    """One round's network on validation samples: agreement, and success of the strongest trigger of all rounds."""

    agreement: Rate
    success_rate: Rate


@dataclass(frozen=True, eq=False)
class Finetuning:
    """Outcome.

    Attributes:
        model: the network of the chosen round.
        rounds: every round.
        chosen: which one it was, from 0.
        triggers: all triggers found, by label.
        settled: whether the last inversion found no trigger that stands out; False where nobody inverted again.
    """

    model: Model
    rounds: tuple[TuningRound, ...]
    chosen: int
    triggers: Mapping[int, tuple[Trigger, ...]]
    settled: bool


def finetune(
    original: Model,
    pruned: Model,
    preprocessing: Preprocessing,
    layer: TargetLayer,
    neurons: Sequence[int],
    fitting: Samples,
    validation: Samples,
    triggers: Triggers,
    config: FinetuningConfig = FinetuningConfig(),
    *,
    invert: Invert | None = None,
    seed: int,
    device: str = "cpu",
    deadline: Deadline = NEVER,
    on_event: OnEvent | None = None,
) -> Finetuning:
    """Win accuracy back and make stamped images answer like unstamped ones.

    Args:
        original: the network as it came, whose answers are kept.
        pruned: where tuning starts.
        preprocessing: how pixels become inputs.
        layer: the pruned layer.
        neurons: its neurons that are held at zero.
        fitting: clean samples `X`, which alone are trained on.
        validation: `D_valid`, which alone chooses.
        triggers: inverted triggers by label; empty for tuning on clean samples only.
        config: settings.
        invert: `(model, label, round) -> triggers` found from fresh starts on a tuned model, those only that still
            stand out. None: one round with the given triggers.
        seed: of all randomness.
        device: of the PyTorch copies.
        deadline: when to stop with what there is.
        on_event: told of every round.
    """
    gauge = _Gauge(original, preprocessing, validation, device)
    distiller = _open_distiller(original, pruned, preprocessing, fitting, config.distillation, seed, device)
    distiller.hold(neuron_entries(pruned, layer, neurons))
    found = {label: list(some) for label, some in triggers.items()}
    rounds, settled = config.rounds if invert is not None and triggers else 1, False
    models: list[Model] = []
    for number in range(rounds):
        distiller.train(stack([trigger for some in found.values() for trigger in some]), deadline)
        models.append(distiller.export(pruned))
        _tell(on_event, number, rounds, gauge.measure(models[-1], found))
        if invert is None or deadline.passed:
            break
        fresh = {label: invert(models[-1], label, number) for label in found}
        settled = not any(fresh.values())
        if settled:
            break
        found = {label: [*some, *fresh[label]] for label, some in found.items()}
    measured = tuple(gauge.measure(model, found) for model in models)
    chosen = min(range(len(models)), key=lambda number: _cost(measured[number], config))
    return Finetuning(models[chosen], measured, chosen, {label: tuple(some) for label, some in found.items()}, settled)


class _Gauge:
    """Agreement with the original, and success of triggers, on validation samples."""

    def __init__(self, original: Model, preprocessing: Preprocessing, validation: Samples, device: str) -> None:
        self._preprocessing, self._device = preprocessing, device
        self._images = validation.images
        self._answers = self._classify(original, self._images)
        self._classes = self._answers if validation.labels is None else validation.labels

    def measure(self, model: Model, triggers: Triggers) -> TuningRound:
        runtime = Runtime(model, self._preprocessing, self._device)
        agreement = rate_of(runtime.logits(self._images).argmax(axis=1) == self._answers)
        rates = [self._success(runtime, label, trigger) for label, some in triggers.items() for trigger in some]
        return TuningRound(agreement, max(rates, key=lambda measured: measured.value or 0.0, default=rate(0, 0)))

    def _success(self, runtime: Runtime, label: int, trigger: Trigger) -> Rate:
        victims = self._images[self._classes != label]
        if not len(victims):
            return rate(0, 0)
        return rate_of(runtime.logits(trigger.apply(victims)).argmax(axis=1) == label)

    def _classify(self, model: Model, images: Floats) -> Ints:
        return np.asarray(Runtime(model, self._preprocessing, self._device).logits(images).argmax(axis=1))


def _open_distiller(
    original: Model,
    pruned: Model,
    preprocessing: Preprocessing,
    fitting: Samples,
    config: DistillationConfig,
    seed: int,
    device: str,
) -> Distiller:
    teacher, copy = (Classifier(import_model(model, device), preprocessing) for model in (original, pruned))
    weights = tuple(name for name in tunable_weights(pruned) if name in copy.model.weights)
    return Distiller(teacher, copy, fitting.images, weights, config, seed)


def _cost(measured: TuningRound, config: FinetuningConfig) -> tuple[float, float]:
    agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
    missed = max(0.0, config.min_agreement - agreement) + max(0.0, success - config.max_success)
    return missed, success - agreement


def _tell(on_event: OnEvent | None, number: int, rounds: int, measured: TuningRound) -> None:
    if on_event is not None:
        agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
        on_event(Event("tune", number + 1, rounds, f"agreement {agreement:.3f}, strongest trigger {success:.3f}"))
