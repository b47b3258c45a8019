"""Prune, measure, keep or roll back.

Neurons are taken in turn from the two rankings of the profile. With `Q` the agreement on validation samples and `S` the
trigger's success on them, a prune stays if

    Q_i ≥ q0   and   Q_i ≥ Q_cur − agreement_fall   and   the trigger clearly weakens

and is followed by a least-squares fit of the next layer. The loop ends when `S < max_success`.

`S` is that of the trigger that works best of several. An inverted trigger is one way to the label: pruned until that
one fails, a network may still obey the attacker's. So triggers are inverted afresh on the pruned network, and as long
as one is found the loop goes on against it too.

Differs from the source:
- `S` saturates: taking out any single neuron of several hardly moves it. Criterion "margin" therefore measures
  the fall by the mean margin of triggered samples as well, and when both lists are through tries neurons in groups
  that grow. Criterion "success" is the method as published.
- several triggers decide, see above; criterion "success" sees the first alone;
- a fit that raises `S` or the margin, or lowers `Q`, is dropped and the prune kept: least squares on clean
  samples can bring the backdoor back.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.candidates import Candidate, Group, Ranking, list_candidates, take_next
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.least_squares import fit
from onnxaudit.mitigation.profiling import profile, read_features
from onnxaudit.mitigation.trials import Figures, Trials
from onnxaudit.mitigation.tuning import Invert
from onnxaudit.records import Event, OnEvent, PruningRound, Trigger
from onnxaudit.surgery import zero_neurons

MOST_AHEAD = 64  # trials measured together in the hope that none is kept before the last
ON_PRUNED = 100  # numbers of fresh inversions on the pruned network count from here: no stage else uses them


@dataclass(frozen=True)
class PruningConfig:
    """Settings of the loop.

    Attributes:
        criterion: by what the fall of the trigger is measured; "success" is the published one.
        min_agreement: `q0`.
        max_success: `S` below which the loop ends.
        agreement_fall: how far `Q` may fall in one round. One disagreement more is chance (it is 0.5 % of 215 samples,
            2 % of 50): never less than one sample is allowed.
        success_fall: how far `S` has to fall in one round to count as clearly below.
        margin_fall: how far the mean margin has to fall, as a share of the unpruned model's. A neuron of no use
            to the trigger still moves the margin a little.
        margin_certainty: by how many of its standard errors the paired fall of the margin has to exceed zero.
        largest_group: most neurons in one trial, as a share of the layer.
        ridge: strength `ρ` of the least-squares fit; 0 leaves it out.
        guarded: whether a fit that brings the trigger back, or costs agreement, is dropped.
        starts: fresh inversions on the original whose triggers count too.
        reinversions: so many times triggers are inverted afresh on the pruned network, and the loop goes on.
    """

    criterion: Literal["margin", "success"] = "margin"
    min_agreement: float = 0.97
    max_success: float = 0.10
    agreement_fall: float = 0.01
    success_fall: float = 0.0
    margin_fall: float = 0.002
    margin_certainty: float = 2.0
    largest_group: float = 0.1
    ridge: float = 0.1
    guarded: bool = True
    starts: int = 2
    reinversions: int = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruning:
    """Outcome of the loop.

    Attributes:
        model: with the pruned neurons at zero and the next layer fitted.
        rounds: every round, kept or rolled back.
        pruned: neurons at zero, in the order in which they went.
        triggers: all that counted in the end.
        met: whether both limits were met, and no further trigger was found then.
        ending: why the loop ended, for people.
    """

    model: Model
    rounds: tuple[PruningRound, ...]
    pruned: Group
    triggers: tuple[Trigger, ...]
    met: bool
    ending: str


def prune(
    context: PruningContext,
    config: PruningConfig = PruningConfig(),
    *,
    invert: Invert | None = None,
    deadline: Deadline = NEVER,
    on_event: OnEvent | None = None,
) -> Pruning:
    """Take out neurons of the profiled layer until the trigger fails.

    Args:
        context: the network, its ranked neurons, the trigger, and the samples.
        config: settings.
        invert: finds triggers on the pruned network once the limits are met.
        deadline: when to stop with what there is.
        on_event: told of every round.

    Raises:
        ModelError: the layer cannot be pruned.
        DataError: no validation sample is of another class than the target.
    """
    loop = _Loop(context, config)
    _run(loop, config, deadline, on_event)
    if invert is not None and config.criterion == "margin":
        for number in range(config.reinversions + 1):
            fresh = invert(loop.model, context.target, ON_PRUNED + number) if loop.met else ()
            if not fresh:
                break
            loop.face(fresh)
            if number < config.reinversions:
                _run(loop, config, deadline, on_event)
    return Pruning(
        model=loop.model,
        rounds=tuple(loop.rounds),
        pruned=tuple(loop.pruned),
        triggers=loop.context.triggers,
        met=loop.met,
        ending=loop.ending(deadline.passed),
    )


def _run(loop: "_Loop", config: PruningConfig, deadline: Deadline, on_event: OnEvent | None) -> None:
    """Candidates in turn until the limits are met, or both lists are through."""
    share = config.largest_group if config.criterion == "margin" else 0.0
    queue, width, largest = deque[Candidate](), 1, max(1, int(share * loop.context.layer.neurons))
    upcoming = list_candidates(loop.context.profile, loop.pruned, largest)
    while not loop.met:
        batch = take_next(queue, upcoming, width, loop.pruned)
        if not batch or deadline.passed:
            break
        kept_at = loop.try_each(batch)
        queue.extendleft(reversed(batch[kept_at + 1 :]))  # measured before the prune: to be measured again
        width = 1 if kept_at < len(batch) - 1 else min(2 * width, MOST_AHEAD)
        if on_event is not None:
            on_event(_event(loop))


class _Loop:
    """The network as it stands, and the rounds so far."""

    def __init__(self, context: PruningContext, config: PruningConfig) -> None:
        self.context, self.model = context, context.model
        self.rounds: list[PruningRound] = []
        self.pruned: list[int] = []
        self._config, self._target, self._trials = config, context.target, Trials(context)
        self._features = read_features(context.network, context.layer, context.fitting.images)
        self._current = self._original = self._trials.measure([()])[0]
        self._wanted = self._following_products(()) if self._trials.following and config.ridge else None

    def face(self, fresh: Sequence[Trigger]) -> None:
        """Count further triggers from now on."""
        known = replace(self.context, further=(*self.context.further, *fresh))
        ranked = profile(known.network, known.model, known.layer, known.fitting, *known.triggers)
        self.context = replace(known, profile=ranked)
        self._trials = Trials(self.context)
        self._original = self._trials.measure([()])[0]
        self._trials.use(self.model, self.pruned)
        self._current = self._trials.measure([()])[0]

    @property
    def met(self) -> bool:
        """Whether both limits are met."""
        success, agreement = self._current.success.value or 0.0, self._current.agreement.value or 0.0
        return success < self._config.max_success and agreement >= self._config.min_agreement

    def try_each(self, batch: Sequence[Candidate]) -> int:
        """Try candidates in turn until one is kept; the position of the last one tried."""
        measured = self._trials.measure([group for _, group in batch])
        for position, ((ranking, group), figures) in enumerate(zip(batch, measured, strict=True)):
            obstacle = find_objection(figures, self._current, self._original, self._config)
            if not obstacle:
                self._keep(ranking, group, figures)
                return position
            self._report(ranking, group, figures, obstacle)
        return len(batch) - 1

    def ending(self, late: bool) -> str:
        """Why the loop ended."""
        figures = f"success {self._current.success.value:.3f}, agreement {self._current.agreement.value:.3f}"
        if self.met:
            return f"both limits are met: {figures}"
        reason = "the time budget ended" if late else "both lists are through"
        known = len(self.context.triggers)
        of = f" of the strongest of {known} triggers" if known > 1 else ""
        return f"{reason} before the limits were met: {figures}{of}"

    def _keep(self, ranking: Ranking, group: Group, figures: Figures) -> None:
        self.model = zero_neurons(self.model, self._trials.layer, group)
        self.pruned += group
        self._trials.use(self.model, self.pruned)
        self._current = figures
        self._report(ranking, group, figures, "", self._tune())

    def _tune(self) -> Literal["kept", "dropped", "none"]:
        """The guarded least-squares fit."""
        if self._wanted is None or self._trials.following is None:
            return "none"
        following = self._trials.following
        inputs = self._trials.following_inputs(self._masked(self.pruned))
        tuned = fit(following.matrix(self.model), inputs, self._wanted, self._config.ridge)
        candidate = following.with_matrix(self.model, tuned)
        self._trials.use(candidate, self.pruned)
        figures = self._trials.measure([()])[0]
        if self._config.guarded and _worse(figures, self._current):
            self._trials.use(self.model, self.pruned)
            return "dropped"
        self.model, self._current = candidate, figures
        return "kept"

    def _following_products(self, pruned: Sequence[int]) -> npt.NDArray[Any]:
        assert self._trials.following is not None
        inputs = self._trials.following_inputs(self._masked(pruned))
        return np.asarray(inputs @ self._trials.following.matrix(self.model).T)

    def _masked(self, pruned: Sequence[int]) -> npt.NDArray[Any]:
        features = self._features.copy()
        features[:, list(pruned)] = 0.0
        return features

    def _report(
        self,
        ranking: Ranking,
        group: Group,
        figures: Figures,
        obstacle: str,
        outcome: Literal["kept", "dropped", "none"] = "none",
    ) -> None:
        reason = obstacle or "the trigger weakens and the predictions agree"
        self.rounds.append(
            PruningRound(
                target=self._target,
                neurons=group,
                ranking=ranking,
                agreement=figures.agreement,
                success_rate=figures.success,
                margin=figures.margin,
                kept=not obstacle,
                reason=reason,
                fit=outcome,
            )
        )


def find_objection(trial: Figures, current: Figures, original: Figures, config: PruningConfig) -> str:
    """Why a trial prune is rolled back, or "" if it stays."""
    agreement, before = trial.agreement.value or 0.0, current.agreement.value or 0.0
    allowed = max(config.agreement_fall, 1 / trial.agreement.trials)
    if agreement < config.min_agreement:
        return f"agreement {agreement:.3f} is below {config.min_agreement:g}"
    if agreement < before - allowed - 1e-9:
        return f"agreement falls from {before:.3f} to {agreement:.3f}"
    success, so_far = trial.pooled.value or 0.0, current.pooled.value or 0.0
    if success < so_far - config.success_fall:
        return ""
    if config.criterion == "success":
        return f"success stays at {success:.3f}" if success == so_far else f"success goes to {success:.3f}"
    if success > so_far:
        return f"success rises from {so_far:.3f} to {success:.3f}"
    return _judge_margin(trial, current, original, config)


def _judge_margin(trial: Figures, current: Figures, original: Figures, config: PruningConfig) -> str:
    falls = current.margins - trial.margins
    error = float(falls.std(ddof=1)) / np.sqrt(len(falls)) if len(falls) > 1 else np.inf
    fall, least = float(falls.mean()), config.margin_fall * abs(original.margin)
    if fall <= max(least, config.margin_certainty * error):
        return f"success stays at {trial.pooled.value:.3f} and the margin falls by {fall:.3f} only"
    return ""


def _worse(figures: Figures, current: Figures) -> bool:
    return (
        figures.pooled.successes > current.pooled.successes or figures.agreement.successes < current.agreement.successes
    )


def _event(loop: _Loop) -> Event:
    last = loop.rounds[-1]
    return Event("prune", len(loop.rounds), 0, f"{len(loop.pruned)} neurons out, success {last.success_rate.value:.2f}")
