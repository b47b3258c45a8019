"""The pruning loop as published: neurons in turn from the two rankings, one by one.

With `Q` the agreement on validation samples and `S` the trigger's success on them, a prune stays if

    Q_i ≥ q0   and   Q_i ≥ Q_cur − agreement_fall   and   S_i < S_cur

and is followed by a least-squares fit of the next layer.

Differs from the source: a fit that raises `S`, or lowers `Q`, is dropped and the prune kept: least squares on clean
samples can bring the backdoor back.
"""

from collections.abc import Iterator

from onnxaudit.deadline import Deadline
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.mitigation.pruning_loop import Group, PruningLoop, find_shortfall
from onnxaudit.mitigation.validation import Figures
from onnxaudit.records import FitOutcome, OnEvent, Profile, Ranking


class PublishedPruning(PruningLoop):
    """Takes neurons from both rankings in turn, the activation list first."""

    over = "both lists are through"

    def run(self, deadline: Deadline, on_event: OnEvent | None) -> None:
        """Each neuron of both lists once."""
        for ranking, neuron in list_candidates(self.context.profile):
            if self.met or deadline.passed:
                return
            if neuron not in self.pruned:
                self._try(ranking, (neuron,), on_event)

    def _try(self, ranking: Ranking, group: Group, on_event: OnEvent | None) -> None:
        trial = self.measure((*self.pruned, *group), self.matrix)
        objection = find_objection(trial, self.figures, self.config)
        fit: FitOutcome = "none"
        if not objection:
            self.pruned, self.figures = (*self.pruned, *group), trial
            fit = self._fit()
        self.report(ranking, group, trial, objection=objection, fit=fit, on_event=on_event)

    def _fit(self) -> FitOutcome:
        """The guarded least-squares fit."""
        tuned = self.bench.fit(self.pruned)
        if tuned is None:
            return "none"
        figures = self.measure(self.pruned, tuned)
        if self.config.guarded and _worse(figures, self.figures):
            return "dropped"
        self.matrix, self.figures = tuned, figures
        return "kept"


def list_candidates(profile: Profile) -> Iterator[tuple[Ranking, int]]:
    """Neurons from both lists in turn."""
    by_activation = sorted(profile.neurons, key=lambda one: one.activation_rank)
    by_weight = sorted(profile.neurons, key=lambda one: one.weight_rank)
    for active, heavy in zip(by_activation, by_weight, strict=True):
        yield "activation", active.neuron
        yield "weight", heavy.neuron


def find_objection(trial: Figures, current: Figures, config: PruningConfig) -> str:
    """Why a trial prune is rolled back, or "" if it stays."""
    agreement, before = trial.agreement.value or 0.0, current.agreement.value or 0.0
    allowed = max(config.agreement_fall, 1 / trial.agreement.trials)
    if shortfall := find_shortfall(trial, config):
        return shortfall
    if agreement < before - allowed - 1e-9:
        return f"agreement falls from {before:.3f} to {agreement:.3f}"
    success, so_far = trial.pooled.value or 0.0, current.pooled.value or 0.0
    if success < so_far:
        return ""
    return f"success stays at {success:.3f}" if success == so_far else f"success goes to {success:.3f}"


def _worse(figures: Figures, current: Figures) -> bool:
    return (
        figures.pooled.successes > current.pooled.successes or figures.agreement.successes < current.agreement.successes
    )
