"""The pruning loop by efficiency: first what the trigger loses most by, for what clean answers lose least by.

Every round ranks the neurons that are left to first order, tries the first ones alone and in groups, each with the next
layer fitted anew, and keeps the most efficient trial (`mitigation.efficiency`) that the agreement on `D_valid` allows.

The loop of the source takes neurons in the order of two rankings and keeps whatever lowers the trigger's success: the
agreement that may be lost goes to neurons of little use to the trigger. Where none is allowed, the neurons tried
alone are left in, and no groups are tried any more.
"""

from collections.abc import Iterator, Sequence, Set
from itertools import product

from onnxaudit.deadline import Deadline
from onnxaudit.mitigation.efficiency import State
from onnxaudit.mitigation.pruning_loop import Group, PruningLoop, find_shortfall
from onnxaudit.mitigation.validation import Figures
from onnxaudit.records import FitOutcome, OnEvent

ALONE = 6
"""Neurons at the head of a ranking that are tried alone."""
WIDE = 256
"""Neurons from which on a layer is wide: two of a ranking are tried alone, and fewer groups."""
LEAST_FALL = 1e-3
"""Of what is left of the pull, that a prune has to take away."""


class EfficientPruning(PruningLoop):
    """Takes the most efficient prune of each round."""

    copies = 6
    over = "no prune is left that the agreement allows"

    def run(self, deadline: Deadline, on_event: OnEvent | None) -> None:
        """Rounds until the aim is reached, or nothing is left to try."""
        left_in, widest = set[int](), max(1, int(self.config.largest_group * self.context.layer.neurons))
        state = self.bench.measure(self.pruned, self.matrix)
        while not (self._aimed or deadline.passed or len(left_in) > self.config.most_refused):
            trials = self._list_trials(state, left_in, widest)
            if not trials:
                return
            kept = next(filter(None, (self._judge(trial, state, on_event) for trial in trials)), None)
            if kept is None:
                widest = 1
                left_in |= {trial.pruned[-1] for trial in trials if len(trial.pruned) == len(state.pruned) + 1}
            else:
                state, widest = kept, min(widest, max(2, 2 * (len(kept.pruned) - len(state.pruned))))
                left_in.clear()

    def _judge(self, trial: State, state: State, on_event: OnEvent | None) -> State | None:
        """Judge a trial on `D_valid`, and make it the network as it stands if the agreement allows it."""
        trial, figures, fitted = self._measure(trial, state)
        group, objection = trial.pruned[len(state.pruned) :], self._find_shortfall(figures)
        if not objection:
            self.pruned, self.matrix, self.figures = trial.pruned, trial.matrix, figures
        fit: FitOutcome = "none" if objection else fitted
        self.report("efficiency", group, figures, objection=objection, fit=fit, on_event=on_event)
        return None if objection else trial

    def _measure(self, trial: State, state: State) -> tuple[State, Figures, FitOutcome]:
        """A trial's figures on `D_valid`, and what became of its fit: it is dropped where it costs the agreement."""
        figures = self.measure(trial.pruned, trial.matrix)
        if trial.matrix is state.matrix or not self._find_shortfall(figures):
            return trial, figures, "none" if trial.matrix is state.matrix else "kept"
        plain = self.bench.measure(trial.pruned, state.matrix)
        without = self.measure(plain.pruned, plain.matrix)
        if _falls(plain, state) and not self._find_shortfall(without):
            return plain, without, "dropped"
        return trial, figures, "none"

    def _find_shortfall(self, trial: Figures) -> str:
        """Why a trial costs too much agreement, on the samples or on moved copies of them, or ""."""
        moved, least = trial.moved_agreement.value or 0.0, self.config.min_agreement - self.config.moved_fall
        short = f"agreement on moved copies {moved:.3f} is below {least:g}" if moved < least else ""
        return find_shortfall(trial, self.config) or short

    @property
    def _aimed(self) -> bool:
        success = self.figures.success.value or 0.0
        return self.met and success <= self.config.aim

    def _list_trials(self, state: State, left_in: Set[int], widest: int) -> list[State]:
        """A round's trials that weaken the trigger, the most efficient first.

        Where a score is saturated its slope is nil: then the heads of both rankings of the profile are tried. Where the
        fit brings back what the prunes take away, the next layer stays as it stands.
        """
        orders = [[n for n in ranked if n not in left_in] for ranked in self._rank(state)]
        for fitted, order in product((True, False), orders):
            groups = [(*state.pruned, *group) for group in _list_groups(order, widest)]
            trials = [self._try(pruned, state, fitted and self.bench.fits_are_cheap) for pruned in groups]
            trials.sort(key=lambda trial: -trial.gain_over(state))
            if fitted and not self.bench.fits_are_cheap:
                trials = [self._try(trial.pruned, state, True) for trial in trials[:1]]
            if falling := [trial for trial in trials if _falls(trial, state)]:
                return falling
        return []

    def _try(self, pruned: Group, state: State, fitted: bool) -> State:
        return self.bench.measure(pruned, self.bench.fit(pruned) if fitted else state.matrix)

    def _rank(self, state: State) -> tuple[list[int], ...]:
        """Neurons that are there by efficiency, by activation and by weight, the first to be tried first."""
        there = [one for one in self.context.profile.neurons if one.neuron not in state.pruned]
        by_activation = sorted(there, key=lambda one: one.activation_rank)
        by_weight = sorted(there, key=lambda one: one.weight_rank)
        return self.bench.rank(state), [one.neuron for one in by_activation], [one.neuron for one in by_weight]


def _falls(trial: State, state: State) -> bool:
    """Whether a trial weakens the trigger."""
    return state.pull - trial.pull > LEAST_FALL * state.pull


def _list_groups(order: Sequence[int], widest: int) -> Iterator[Group]:
    """The first neurons alone, then as many of them together as `widest`, half of that, a quarter, down to two.

    Of a wide layer the first two, and every other group: a round of it costs more and there are more of them.
    """
    wide = len(order) > WIDE
    yield from ((neuron,) for neuron in order[: 2 if wide else ALONE])
    size = min(widest, len(order))
    while size > 1:
        yield tuple(order[:size])
        size //= 4 if wide else 2
