"""Fine-tune the pruned network until its label no longer stands out.

Each round distils the original into the copy on clean images, a share of them stamped with all triggers known (loss:
`distillation`), then makes these triggers work again on the copy (`hardening`) and inverts the label again from a
fresh start; what that yields joins the others. Pruned neurons stay at zero. Validation samples alone choose which
round's network is handed back:

    min over rounds of  max(0, q0 − Q) + max(0, S − max_success),  then of  S' + D − Q

with `S` the success of the strongest trigger found in any round, `S'` of the strongest hardened one, `D` that of all
distortions together. Where there are none, the rounds end early once both limits are met, by `S'` as well, and a fresh
inversion finds nothing that stands out. They go on for a few more while a limit is missed. Where the best network
misses `q0`, those on the way to it from the pruned one are candidates too (`blending`).

Differs from the source:
- the source tunes on clean samples alone, which does not remove patch triggers; without triggers this does as it does;
- an inverted trigger is a part of the real one, or another way to the label. Measured on a VGG of 43 classes with a
  7x7 trigger, success of the real one after distilling with two inverted triggers: 0.84; with fresh inversions
  after every round: 0.2 to 0.5; with triggers made to work again before every round: below 0.01. Distilling on
  with triggers that no longer work brings the real one back (0.17 to 0.46);
- against labels that are reached by whole-image changes (`distortions`) such changes join the triggers.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.blending import blend
from onnxaudit.mitigation.distillation import DistillationConfig, Distiller
from onnxaudit.mitigation.distortions import Distortion, DistortionConfig, shape_distortions
from onnxaudit.mitigation.gauging import Gauge, Triggers, TuningRound
from onnxaudit.mitigation.hardening import HardeningConfig, harden
from onnxaudit.mitigation.stamping import Stamps, stack, unstack
from onnxaudit.records import Event, OnEvent, Preprocessing, Samples, TargetLayer, Trigger
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import neuron_entries, tunable_weights
from onnxaudit.workers import Workers

NEVER = Deadline()
Invert = Callable[[Model, int, int], Sequence[Trigger]]


@dataclass(frozen=True)
class FinetuningConfig:
    """Settings.

    Attributes:
        starts: fresh inversions on the original before the first round; each may show another part of the trigger.
        rounds: most rounds.
        further_rounds: most rounds behind them, while a limit is missed.
        cooling: the step size falls by this share of itself over the rounds, and stays there.
        min_agreement: `q0`.
        max_success: limit of `S`.
        layers: which may move: "all", or the "head", from the pruned layer on.
        shares: `α` of the networks between the pruned and the tuned one that are tried where the tuned one misses `q0`;
            the nearer the pruned one, the more of the backdoor comes back.
        distillation: of one round.
        hardening: of the triggers, between rounds.
        distortion: whole-image changes, made anew in every round against labels that they lead to.
    """

    starts: int = 3
    rounds: int = 3
    further_rounds: int = 3
    cooling: float = 0.8
    min_agreement: float = 0.97
    max_success: float = 0.10
    layers: Literal["all", "head"] = "all"
    shares: tuple[float, ...] = (0.95, 0.9, 0.85, 0.8)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    hardening: HardeningConfig = field(default_factory=HardeningConfig)
    distortion: DistortionConfig = field(default_factory=DistortionConfig)


@dataclass(frozen=True, eq=False)
class Finetuning:
    """Outcome.

    Attributes:
        model: the network of the chosen round.
        rounds: every round.
        chosen: which one it was, from 0.
        share: of the way from the pruned network to that round's, at which `model` is.
        triggers: all triggers found, by label.
        settled: whether the last inversion found no trigger that stands out; False where nobody inverted again.
    """

    model: Model
    rounds: tuple[TuningRound, ...]
    chosen: int
    share: float
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
    spread: Collection[int] = (),
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
        spread: labels against which distortions of the whole image are made too.
        invert: `(model, label, number) -> triggers` found on a model, those only that still stand out; each
            number is another fresh start, the first ones on the original. None: only the given triggers are known.
        seed: of all randomness.
        device: of the PyTorch copies.
        deadline: when to stop with what there is.
        on_event: told of every round.
    """
    gauge = Gauge(original, preprocessing, validation, device)
    with Workers(torch.device(device)) as workers:
        course = _Course(
            original,
            pruned,
            preprocessing,
            layer,
            neurons,
            fitting,
            list(triggers),
            spread,
            config,
            seed,
            device,
            workers,
        )
        course.learn(triggers)
        if invert is not None:
            course.learn_fresh(invert, original, range(config.starts))
        settled = _run(course, gauge, config, invert, deadline, on_event)
    found = {label: tuple(some) for label, some in course.found.items()}
    return replace(_choose(course, gauge, pruned, config), triggers=found, settled=settled)


def _choose(course: "_Course", gauge: Gauge, pruned: Model, config: FinetuningConfig) -> Finetuning:
    """The best round's network or, where it answers too little like the original, the best on the way to it."""

    def measure(model: Model) -> TuningRound:
        return gauge.measure(model, course.found, course.hardened, course.distortions)

    rounds = tuple(measure(model) for model in course.models)
    chosen = min(range(len(rounds)), key=lambda number: _cost(rounds[number], config))
    best = course.models[chosen]
    candidates = [(1.0, best)]
    if course.found and (rounds[chosen].agreement.value or 0.0) < config.min_agreement:
        candidates += [(share, blend(pruned, best, share)) for share in config.shares]
    share, best = min(candidates, key=lambda candidate: _cost(measure(candidate[1]), config))
    return Finetuning(best, rounds, chosen, share, {}, settled=False)


def _run(
    course: "_Course",
    gauge: Gauge,
    config: FinetuningConfig,
    invert: Invert | None,
    deadline: Deadline,
    on_event: OnEvent | None,
) -> bool:
    """All rounds; whether the last inversion found no trigger that stands out."""
    settled, most = False, config.rounds + config.further_rounds
    course.harden()
    for number in range(most):
        course.distil(1 - config.cooling * min(1, number / config.rounds), deadline)
        if number + 1 < most and not deadline.passed:
            course.harden()
        measured = gauge.measure(course.models[-1], course.found, course.hardened, course.distortions)
        _tell(on_event, number, most, measured)
        if deadline.passed:
            break
        if invert is not None and course.found:
            settled = not course.learn_fresh(invert, course.models[-1], [config.starts + number])
            if settled and not course.spread and _is_met(measured, config):  # no limit sees distortions
                break
        if number + 1 >= config.rounds and _cost(measured, config)[0] == 0.0:
            break
    return settled


class _Course:
    """The copy as it stands, and what is known against it.

    Attributes:
        spread: targets against which distortions are made.
        models: the network after each round.
        found: by label, all triggers given or inverted so far.
        hardened: by label, all that were made of them.
        distortions: all whole-image changes made so far, each with the label that it leads to.
    """

    def __init__(
        self,
        original: Model,
        pruned: Model,
        preprocessing: Preprocessing,
        layer: TargetLayer,
        neurons: Sequence[int],
        fitting: Samples,
        targets: Sequence[int],
        spread: Collection[int],
        config: FinetuningConfig,
        seed: int,
        device: str,
        workers: Workers,
    ) -> None:
        self._pruned, self._fitting, self._config, self._workers = pruned, fitting, config, workers
        self.spread = [label for label in targets if label in spread]
        self._draw = torch.Generator().manual_seed(seed)
        answering, self._copy = (Classifier(import_model(m, device), preprocessing) for m in (original, pruned))
        movable = tunable_weights(pruned, layer if config.layers == "head" else None)
        weights = [name for name in movable if name in self._copy.model.weights]
        held = neuron_entries(pruned, layer, neurons)
        classes = Runtime(original, preprocessing, device).logits(fitting.images).argmax(axis=1)
        self._classes = classes if fitting.labels is None else fitting.labels
        self._distiller = Distiller(
            answering,
            self._copy,
            fitting.images,
            self._classes,
            targets,
            weights,
            layer,
            neurons,
            held,
            config.distillation,
            self._draw,
            workers,
        )
        self.found: dict[int, list[Trigger]] = defaultdict(list)
        self.hardened: dict[int, list[Trigger]] = defaultdict(list)
        self.distortions: list[tuple[Distortion, int]] = []
        self.models: list[Model] = []

    def learn(self, triggers: Triggers) -> None:
        """Take further triggers in."""
        for label, found in triggers.items():
            self.found[label] += found

    def learn_fresh(self, invert: Invert, model: Model, numbers: Sequence[int]) -> bool:
        """Invert every label again on `model`, from each fresh start; whether anything was found."""
        starts = [(label, number) for number in numbers for label in self.found]
        fresh = self._workers.map(lambda start: invert(model, *start), starts)
        for (label, _), found in zip(starts, fresh, strict=True):
            self.found[label] += found
        return any(fresh)

    def harden(self) -> None:
        """Make every trigger found so far work on the copy as it stands."""
        for label, found in self.found.items():
            self.hardened[label] += self._harden(found, label)
        self.distortions += shape_distortions(
            self._copy,
            self._fitting.images,
            self._classes,
            self.spread,
            self._config.distortion,
            self._draw,
            self._workers,
        )

    def distil(self, effort: float, deadline: Deadline) -> None:
        """One round with all triggers; its outcome joins `models`."""
        known = [*self.found.items(), *self.hardened.items()]
        triggers = [(trigger, label) for label, some in known for trigger in some]
        self._distiller.train(Stamps.of(triggers, self.distortions), effort, deadline)
        self.models.append(self._distiller.export(self._pruned))

    def _harden(self, found: Sequence[Trigger], label: int) -> list[Trigger]:
        victims = self._fitting.images[self._classes != label]
        if not found or not len(victims):
            return []
        stacked = stack(found).to(self._distiller.device)
        labels = torch.full((len(found),), label, device=stacked.device)
        return unstack(harden(self._copy, victims, stacked, labels, self._config.hardening, self._draw, self._workers))


def _cost(measured: TuningRound, config: FinetuningConfig) -> tuple[float, float]:
    agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
    missed = max(0.0, config.min_agreement - agreement) + max(0.0, success - config.max_success)
    others = (measured.hardened_success_rate.value or 0.0) + (measured.distorted_success_rate.value or 0.0)
    return missed, others - agreement


def _is_met(measured: TuningRound, config: FinetuningConfig) -> bool:
    hardened = measured.hardened_success_rate.value or 0.0
    return _cost(measured, config)[0] == 0.0 and hardened < config.max_success


def _tell(on_event: OnEvent | None, number: int, rounds: int, measured: TuningRound) -> None:
    if on_event is not None:
        agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
        on_event(Event("tune", number + 1, rounds, f"agreement {agreement:.3f}, strongest trigger {success:.3f}"))
