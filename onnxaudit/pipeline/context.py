"""What a repair is given: settings, and everything else that all of its stages need."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from onnxaudit.deadline import Deadline
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.mitigation.forgetting import ForgettingConfig
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.pipeline.settings import ScanConfig
from onnxaudit.pipeline.subject import Subject
from onnxaudit.pipeline.units import Shelf
from onnxaudit.pipeline.whole_image import Families
from onnxaudit.records import InputSpec, OnEvent, Samples, ScanReport, Trigger

BATCH_OF_LARGE = 16  # clean images a step of re-activation

Method = Literal["prune", "prune+tune", "full"]


@dataclass(frozen=True)
class RepairConfig:
    """Settings of a repair, by stage.

    Attributes:
        method: "prune": the pruning loop alone; "prune+tune": then fine-tuning on clean samples; "full": then
            fine-tuning on clean and on triggered samples.
        pruning: the loop and both limits.
        fine_tuning: what follows it.
        scan: the scan before, where no report is given, and the one after.
        forgetting: how it is checked whether the backdoor is forgotten.
        max_reactivation: largest excess of re-activation, in [−1, 1]; None: it is reported and decides nothing.
        further_passes: so many times labels that only the new scan names join the targets, and all begins anew.
        suspects_agreement: least agreement with the original where no more than suspects are repaired; a higher
            `pruning.min_agreement` holds too.
        remove: pruned neurons leave the graph, where they can; else they stay, at zero.
        standing_out: during fine-tuning a fresh trigger still stands out if it is this many times smaller than is
            normal for the model.
    """

    method: Method = "full"
    pruning: PruningConfig = field(default_factory=PruningConfig)
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)
    scan: ScanConfig = field(default_factory=ScanConfig)
    forgetting: ForgettingConfig = field(default_factory=ForgettingConfig)
    max_reactivation: float | None = None
    further_passes: int = 2
    suspects_agreement: float = 0.98
    remove: bool = False
    standing_out: float = 1.5

    def fit_to(self, taken: InputSpec) -> "RepairConfig":
        """The same for models that take such inputs: for large images fewer passes, as for their scan."""
        detection, fine_tuning = self.scan.detection.fit_to(taken), self.fine_tuning.fit_to(taken.layout)
        if not detection.large:
            return replace(self, fine_tuning=fine_tuning)
        return replace(
            self,
            scan=replace(self.scan, detection=detection),
            pruning=self.pruning.shorten(),
            fine_tuning=fine_tuning.shorten(),
            forgetting=replace(self.forgetting, batch=min(self.forgetting.batch, BATCH_OF_LARGE)),
        )

    def tighten(self) -> "RepairConfig":
        """The settings for suspects: a model that turns out to have been clean has to keep its answers."""
        least = max(self.pruning.min_agreement, self.suspects_agreement)
        return replace(self, pruning=replace(self.pruning, min_agreement=least))


@dataclass(frozen=True, kw_only=True, eq=False)
class RepairContext:
    """One repair.

    Attributes:
        subject: the original, opened.
        config: settings of the stages.
        scan: of the original.
        target: repaired whatever the scan says, where the caller names one.
        suspected: whether the targets are suspects of a scan without a verdict.
        layer: what names the target layer, "auto", or None for the first fully connected one.
        known_trigger: the attacker's own, measured and never used otherwise.
        evaluation: further clean samples, likewise.
        output: where the repaired model goes.
        allow_incomplete: whether it is written even where a limit was missed.
        seed: of all randomness.
        started: when, in seconds of `time.monotonic`.
        deadline: when to stop with what there is.
        on_event: told of progress.
        shelf: where finished parts of scans are kept and found again.
        further_families: of changes of the whole image, by target, that an earlier pass left in.
    """

    subject: Subject
    config: RepairConfig
    scan: ScanReport
    target: int | None
    suspected: bool = False
    layer: str | None
    known_trigger: Trigger | None
    evaluation: Samples | None
    output: Path
    allow_incomplete: bool
    seed: int
    started: float
    deadline: Deadline
    on_event: OnEvent
    shelf: Shelf | None = None
    further_families: Families = field(default_factory=dict)

    @property
    def searched_briefly(self) -> bool:
        """Whether the scan's searches for changes of the whole image are short: those of large images.

        What a whole search does not name is no reason to unlearn it: agreement of a LeNet with a TrojanNN patch, whose
        target photometric changes reach by the way, fell from 94 % to 90 %.
        """
        return self.config.scan.detection.large
