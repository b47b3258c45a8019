"""One repair: what it is given, and the stages in order."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from onnxaudit.data.splits import split
from onnxaudit.deadline import Deadline
from onnxaudit.errors import UsageError
from onnxaudit.findings.kind import Kind, list_kinds
from onnxaudit.intake import Model
from onnxaudit.intake.saving import save_model
from onnxaudit.inversion.patch import invert
from onnxaudit.mitigation.finetuning import FinetuningConfig, finetune
from onnxaudit.mitigation.pruning import PruningConfig
from onnxaudit.pipeline.acceptance import Acceptance, judge_draft, open_draft
from onnxaudit.pipeline.measuring import Yardstick, classify, describe_saturation, list_changes, make_yardstick
from onnxaudit.pipeline.provenance import describe_config, list_versions
from onnxaudit.pipeline.pruning import AUTO, Pruned, Pruner
from onnxaudit.pipeline.reinversion import Reinversion
from onnxaudit.pipeline.removing import describe_removal, take_out
from onnxaudit.pipeline.scanning import ScanConfig, scan_subject
from onnxaudit.pipeline.spread import find_spread
from onnxaudit.pipeline.subject import Subject, open_weights
from onnxaudit.records import (
    Event,
    LabelStatus,
    Measurement,
    OnEvent,
    Removal,
    RepairReport,
    Samples,
    ScanReport,
    Trigger,
)
from onnxaudit.report.wording import summarise_repair
from onnxaudit.runtime import Runtime

Method = Literal["prune", "prune+tune", "full"]


@dataclass(frozen=True)
class RepairConfig:
    """Settings of a repair, by stage.

    Attributes:
        method: "prune": the pruning loop alone; "prune+tune": then fine-tuning on clean samples; "full": then
            fine-tuning on clean and on stamped samples.
        pruning: the loop and both limits.
        finetuning: what follows it.
        scan: the scan before, where no report is given, and the one after.
        further_passes: so many times labels that only the new scan accuses join the targets, and all begins anew.
        remove: take pruned neurons out of the graph, where they can go; else they stay, at zero.
        standing_out: during fine-tuning a fresh trigger still stands out if it is this many times smaller than is
            normal for the model.
    """

    method: Method = "full"
    pruning: PruningConfig = field(default_factory=PruningConfig)
    finetuning: FinetuningConfig = field(default_factory=FinetuningConfig)
    scan: ScanConfig = field(default_factory=ScanConfig)
    further_passes: int = 2
    remove: bool = False
    standing_out: float = 1.5


class _NotMetError(Exception):
    """A draft that missed a limit; raised to keep it from getting its name."""


@dataclass(frozen=True, eq=False)
class Job:
    """One repair: what it is given, and the stages in order."""

    subject: Subject
    config: RepairConfig
    scan: ScanReport
    named: int | None
    layer_name: str | None
    known: Trigger | None
    evaluation: Samples | None
    output: Path
    seed: int
    start: float
    deadline: Deadline
    on_event: OnEvent

    def run(self, targets: tuple[int, ...], allow_incomplete: bool) -> RepairReport:
        """Prune, tune, write, report."""
        layer = None if self.layer_name == AUTO else self.layer_name
        return replace(self, subject=open_weights(self.subject, layer))._run(targets, allow_incomplete)

    def _run(self, targets: tuple[int, ...], allow_incomplete: bool) -> RepairReport:
        predicted = classify(self.subject.runtime, self.subject.samples)
        fitting, validation = split(self.subject.samples, predicted, seed=self.seed)
        triggers = {target: self._find_trigger(target, fitting) for target in targets}
        yardstick = make_yardstick(self.subject.runtime, validation, self.evaluation, triggers, self.known)
        pruner = Pruner(self.subject, triggers, fitting, validation, self.config.pruning, self.deadline, self.on_event)
        pruned = pruner.prune_at(self.layer_name)
        repaired = self._tune(pruned, triggers, fitting, validation)
        self.on_event(Event("write", 0, 0, "writing the model and checking what was written"))
        final, removal = self._remove(pruned, repaired, fitting)
        accepted, written = self._write(final, yardstick, allow_incomplete)
        return self._report(pruned, repaired, removal, yardstick, accepted, written)

    def decline(self, outcome: Literal["nothing to repair", "inconclusive"]) -> RepairReport:
        """The report of a repair that did nothing."""
        return RepairReport(
            met=outcome == "nothing to repair",
            outcome=outcome,
            summary=summarise_repair(outcome),
            reasons=self.scan.reasons,
            output=None,
            output_sha256=None,
            targets=(),
            layer=None,
            profile=None,
            rounds=(),
            pruned=(),
            original=None,
            pruned_only=None,
            repaired=None,
            changes=(),
            scan=self.scan,
            rescan=None,
            **self._provenance(),
        )

    def _find_trigger(self, target: int, fitting: Samples) -> Trigger:
        """The scan's trigger for a label, or, where a caller names a label that was no suspect, a new one."""
        universal = self.scan.universal
        if universal is not None and Kind.ALL_TO_ALL in list_kinds(self.scan, target):
            return universal.trigger
        for finding in self.scan.triggers:
            if finding.label == target:
                return finding.trigger
        (found,) = invert(
            self.subject.classifier,
            fitting,
            (target,),
            self.config.scan.detection.closer,
            seed=self.seed,
            deadline=self.deadline,
            on_event=self.on_event,
        )
        if found.status is not LabelStatus.SETTLED:
            raise UsageError(f"no trigger sends samples to label {target}, so there is nothing to repair there")
        return found.trigger

    def _tune(self, pruned: Pruned, triggers: Mapping[int, Trigger], fitting: Samples, validation: Samples) -> Model:
        """Fine-tuning by the chosen method."""
        if self.config.method == "prune":
            return pruned.model
        full = self.config.method == "full"
        limits = self.config.pruning
        return finetune(
            self.subject.model,
            pruned.model,
            self.subject.choice.preprocessing,
            pruned.profile.layer,
            pruned.neurons,
            fitting,
            validation,
            {target: (trigger,) for target, trigger in triggers.items()} if full else {},
            replace(self.config.finetuning, min_agreement=limits.min_agreement, max_success=limits.max_success),
            spread=self._find_spread(fitting) if full else (),
            invert=Reinversion(
                self.subject,
                self.scan,
                fitting,
                self.config.scan.detection.closer,
                self.config.standing_out,
                self.seed,
                self.deadline,
            ),
            seed=self.seed,
            device=self.subject.device,
            deadline=self.deadline,
            on_event=self.on_event,
        ).model

    def _find_spread(self, fitting: Samples) -> tuple[int, ...]:
        config = self.config
        return find_spread(self.subject, self.scan, self.named, fitting, config.finetuning.distortion, self.seed)

    def _remove(self, pruned: Pruned, repaired: Model, samples: Samples) -> tuple[Model, Removal | None]:
        """The model to write, and what became of the pruned neurons, where they are to go."""
        if not self.config.remove:
            return repaired, None
        return take_out(self.subject, repaired, pruned.profile.layer, pruned.neurons, samples)

    def _write(self, repaired: Model, yardstick: Yardstick, allow_incomplete: bool) -> tuple[Acceptance, bool]:
        """Write a draft, judge it, and give it its name if it deserves one; whether it does."""
        judged: list[Acceptance] = []

        def check(draft: Path) -> None:
            judged.append(self._judge(draft, repaired, yardstick))
            if not judged[0].met and not allow_incomplete:
                raise _NotMetError

        try:
            save_model(repaired, self.output, check)
        except _NotMetError:
            return judged[0], False
        return judged[0], True

    def _judge(self, draft: Path, repaired: Model, yardstick: Yardstick) -> Acceptance:
        subject = open_draft(draft, self.subject, repaired, seed=self.seed)
        # Fresh randomness: the repair must not be judged by the very course of inversion that it was made from.
        rescan = scan_subject(
            subject,
            self.config.scan,
            seed=self.seed + 1,
            start=time.monotonic(),
            deadline=self.deadline,
            on_event=_relay_as_rescan(self.on_event),
        )
        rescan = replace(rescan, model=replace(rescan.model, path=str(self.output)))
        return judge_draft(subject, rescan, yardstick, self.config.pruning)

    def _report(
        self,
        pruned: Pruned,
        repaired: Model,
        removal: Removal | None,
        yardstick: Yardstick,
        accepted: Acceptance,
        written: bool,
    ) -> RepairReport:
        targets = tuple(yardstick.triggers)
        original = yardstick.measure(self.subject.runtime)
        outcome: Literal["repaired", "incomplete"] = "repaired" if accepted.met else "incomplete"
        return RepairReport(
            met=accepted.met,
            outcome=outcome,
            summary=summarise_repair(
                outcome,
                targets,
                self.subject.class_names,
                original=original,
                repaired=accepted.measurement,
                pruned=len(pruned.neurons),
                written=written,
                missed=accepted.missed,
            ),
            reasons=(
                *accepted.missed,
                *accepted.kept,
                *pruned.endings,
                *describe_saturation(self.subject.model, repaired),
                *describe_removal(removal),
            ),
            output=str(self.output) if written else None,
            output_sha256=accepted.sha256 if written else None,
            targets=targets,
            layer=pruned.profile.layer,
            profile=pruned.profile,
            rounds=pruned.rounds,
            pruned=pruned.neurons,
            original=original,
            pruned_only=self._measure(pruned.model, yardstick),
            repaired=accepted.measurement,
            changes=list_changes(self.subject.model, repaired),
            scan=self.scan,
            rescan=accepted.rescan,
            removal=removal,
            **self._provenance(),
        )

    def _measure(self, model: Model, yardstick: Yardstick) -> Measurement:
        return yardstick.measure(Runtime(model, self.subject.choice.preprocessing, self.subject.device))

    def _provenance(self) -> dict[str, Any]:
        """The fields that every repair's report has."""
        return {
            "config": describe_config(self.config),
            "seed": self.seed,
            "device": self.subject.device,
            "versions": list_versions(),
            "duration_seconds": round(time.monotonic() - self.start, 3),
        }


def _relay_as_rescan(on_event: OnEvent) -> OnEvent:
    def relay(event: Event) -> None:
        on_event(replace(event, stage="rescan"))

    return relay
