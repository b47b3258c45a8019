"""Fine-tune the pruned network until its label no longer stands out.

Each round distils the original into the copy on clean images, a share of them stamped with all triggers known (loss:
`distillation`), then makes these triggers work again on the copy (`hardening`) and inverts the label again from a
fresh start; what that yields joins the others. Pruned neurons stay at zero. Validation samples alone choose which
round's network is handed back:

    min over rounds of  max(0, q0 − Q) + max(0, S − max_success),  then of  S' + D + KL + (1 − PACC)

with `S` the success of the strongest trigger found in any round, `S'` of the strongest hardened one, `D` that of all
distortions together, `KL` the divergence of answers from the original's on clean samples: with 45 of them `Q` moves in
steps of 2 points. `PACC` is the lowest share of triggered samples that keep their own class. Where no
distortions are made, the rounds end early once both limits are met, by `S'` as well, and a fresh inversion finds
nothing that stands out. They go on for a few more while a limit is missed. Where the best network misses `q0`, those on
the way to it from the pruned one are candidates too (`interpolation`).

Differs from the source:
- the source tunes on clean samples alone, which does not remove patch triggers; without triggers this does as it does;
- an inverted trigger is a part of the real one, or another way to the label. Measured on a VGG of 43 classes with a
  7x7 trigger, success of the real one after distilling with two inverted triggers: 0.84; with fresh inversions
  after every round: 0.2 to 0.5; with triggers made to work again before every round: below 0.01. Distilling on
  with triggers that no longer work brings the real one back (0.17 to 0.46);
- against labels that are reached by whole-image changes (`distortions`) such changes join the triggers, and
  those that a search on the network of a round finds to lead there more easily than elsewhere.
"""

from dataclasses import dataclass, replace

import torch

from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.mitigation.interpolation import interpolate
from onnxaudit.mitigation.student import Student
from onnxaudit.mitigation.tuning_round import NO_DISTORTIONS, Distorted, FineTuning, Invert, Triggers, TuningRound
from onnxaudit.records import Event, OnEvent, RepairCandidate
from onnxaudit.workers import Workers


def fine_tune(
    context: TuningContext,
    triggers: Triggers,
    config: FineTuningConfig = FineTuningConfig(),
    *,
    distorted: Distorted = NO_DISTORTIONS,
    invert: Invert | None = None,
    seed: int,
    deadline: Deadline = NEVER,
    on_event: OnEvent | None = None,
) -> FineTuning:
    """Win accuracy back and make stamped images answer like unstamped ones.

    Args:
        context: what is tuned, towards what, and on what.
        triggers: inverted triggers by label; empty for tuning on clean samples only.
        config: settings.
        distorted: what is known of distortions of the whole image, and who finds more between rounds.
        invert: finds further triggers between rounds; None: only the given triggers are known.
        seed: of all randomness.
        deadline: when to stop with what there is.
        on_event: told of every round.
    """
    with Workers(torch.device(context.device)) as workers:
        student = Student(context, config, targets=list(triggers), distorted=distorted, seed=seed, workers=workers)
        student.learn(triggers)
        if invert is not None:
            student.learn_fresh(invert, context.original, range(config.starts))
        settled = _run(student, config, invert, deadline, on_event)
    return replace(_choose(student, context.pruned, config), settled=settled)


def _run(
    student: Student, config: FineTuningConfig, invert: Invert | None, deadline: Deadline, on_event: OnEvent | None
) -> bool:
    """All rounds; whether the last inversion found no trigger that stands out."""
    settled, most = False, config.rounds + config.further_rounds
    student.harden()
    for number in range(most):
        student.distill(1 - config.cooling * min(1, number / config.rounds), deadline)
        if number + 1 < most and not deadline.passed:
            student.harden()
        measured = student.measure(student.models[-1], student.near[-1])
        _tell(on_event, number, most, measured)
        if deadline.passed:
            break
        if invert is not None and student.found:
            settled = not student.learn_fresh(invert, student.models[-1], [config.starts + number])
            if settled and not student.distorted and measured.is_safe(config):  # no limit sees distortions
                break
        if number + 1 >= config.rounds and measured.meets_limits(config):
            break
    return settled


def _choose(student: Student, pruned: Model, config: FineTuningConfig) -> FineTuning:
    """The best round's network or, where it answers too little like the original, the best on the way to it."""
    rounds = tuple(map(student.measure, student.models, student.near))
    chosen = min(range(len(rounds)), key=lambda number: rounds[number].cost(config))
    tried = [_Tried(number + 1, 1.0, student.models[number], measured) for number, measured in enumerate(rounds)]
    eligible = [tried[chosen]]
    if student.found and (rounds[chosen].agreement.value or 0.0) < config.min_agreement:
        near = student.near[chosen]  # at least: these are nearer the original
        between = [(share, interpolate(pruned, student.models[chosen], share)) for share in config.shares]
        eligible += [_Tried(chosen + 1, share, model, student.measure(model, near)) for share, model in between]
    # Of those within the limits the one that goes back least: every step back gives the backdoor a chance.
    best = min(eligible, key=lambda one: (one.measured.cost(config)[0], -one.share))
    return FineTuning(
        model=best.model,
        rounds=rounds,
        chosen=chosen,
        share=best.share,
        candidates=tuple(one.describe(chosen=one is best) for one in [*tried, *eligible[1:]]),
        triggers={label: tuple(some) for label, some in student.found.items()},
        distorted=dict(student.distorted),
        settled=False,
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    """A network that may be handed back: of which round, and at which share of the way there from the pruned one."""

    round: int
    share: float
    model: Model
    measured: TuningRound

    def describe(self, *, chosen: bool) -> RepairCandidate:
        """For the report."""
        return RepairCandidate(
            round=self.round,
            share=self.share,
            agreement=self.measured.agreement,
            success_rate=self.measured.success_rate,
            divergence=self.measured.divergence,
            chosen=chosen,
        )


def _tell(on_event: OnEvent | None, number: int, rounds: int, measured: TuningRound) -> None:
    if on_event is not None:
        agreement, success = measured.agreement.value or 0.0, measured.success_rate.value or 0.0
        on_event(Event("tune", number + 1, rounds, f"agreement {agreement:.3f}, strongest trigger {success:.3f}"))
