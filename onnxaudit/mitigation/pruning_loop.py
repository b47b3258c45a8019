"""One layer's neurons, pruned one after the other: what both ways of choosing them share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.efficiency import Bench
from onnxaudit.mitigation.profiling import profile
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.mitigation.validation import Figures, Validation
from onnxaudit.records import Event, FitOutcome, OnEvent, PruningRound, Ranking, Trigger

Group = tuple[int, ...]
"""Neurons that go together."""


class PruningLoop(ABC):
    """The network as it stands, and the rounds so far.

    Attributes:
        context: what is pruned, and against which triggers.
        rounds: every trial that was judged on `D_valid`.
        pruned: neurons that are out, in the order in which they went.
        figures: `Q` and `S` of the network as it stands.
    """

    copies = 0
    """Changed copies of each clean sample that the fit, and the choice of neurons, sees."""
    over = ""
    """How the loop ends without the limits, for people."""

    def __init__(self, context: PruningContext, config: PruningConfig) -> None:
        self.context, self.config = context, config
        self.rounds: list[PruningRound] = []
        self.pruned: Group = ()
        self.matrix: Tensor | None = None
        self._open()

    @abstractmethod
    def run(self, deadline: Deadline, on_event: OnEvent | None) -> None:
        """Try prunes until the limits are met, or nothing is left to try."""

    @property
    def model(self) -> Model:
        """The network as it stands."""
        return self.bench.after.write(self.context.model, self.pruned, self.matrix)

    @property
    def met(self) -> bool:
        """Whether both limits are met."""
        success, agreement = self.figures.success.value or 0.0, self.figures.agreement.value or 0.0
        return success < self.config.max_success and agreement >= self.config.min_agreement

    def face(self, fresh: Sequence[Trigger]) -> None:
        """Count further triggers from now on."""
        known = replace(self.context, further=(*self.context.further, *fresh))
        ranked = profile(known.network, known.model, known.layer, known.fitting, *known.triggers)
        self.context = replace(known, profile=ranked)
        self._open()

    def ending(self, late: bool) -> str:
        """Why the loop ended."""
        figures = f"success {self.figures.success.value:.3f}, agreement {self.figures.agreement.value:.3f}"
        if self.met:
            return f"both limits are met: {figures}"
        known = len(self.context.triggers)
        of = f" of the strongest of {known} triggers" if known > 1 else ""
        return f"{'the time budget ended' if late else self.over} before the limits were met: {figures}{of}"

    def measure(self, pruned: Group, matrix: Tensor | None) -> Figures:
        """`Q` and `S` with these neurons out."""
        return self.validation.measure(self.bench.present(pruned), matrix)

    def report(
        self,
        ranking: Ranking,
        group: Group,
        figures: Figures,
        *,
        objection: str = "",
        fit: FitOutcome = "none",
        on_event: OnEvent | None = None,
    ) -> None:
        """Add a round; it is kept where there is no objection."""
        self.rounds.append(
            PruningRound(
                target=self.context.target,
                neurons=group,
                ranking=ranking,
                agreement=figures.agreement,
                success_rate=figures.success,
                margin=figures.margin,
                kept=not objection,
                reason=objection or "the trigger weakens and the predictions agree",
                fit=fit,
                axis=self.context.layer.axis,
            )
        )
        if on_event is not None:
            text = f"{len(self.pruned)} neurons out, success {self.figures.success.value or 0.0:.2f}"
            on_event(Event("prune", len(self.rounds), 0, text))

    def _open(self) -> None:
        self.bench = Bench(self.context, copies=self.copies, ridge=self.config.ridge)
        self.validation = Validation(self.context, self.bench.after)
        self.figures = self.measure(self.pruned, self.matrix)


def find_shortfall(trial: Figures, config: PruningConfig) -> str:
    """Why a trial prune costs too much agreement, or ""."""
    agreement = trial.agreement.value or 0.0
    return f"agreement {agreement:.3f} is below {config.min_agreement:g}" if agreement < config.min_agreement else ""
