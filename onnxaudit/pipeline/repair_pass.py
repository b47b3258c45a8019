"""One pass of a repair: prune, tune, write and judge, for all targets known together."""

import time
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from onnxaudit.data.splits import split
from onnxaudit.detectors.patch import PatchDetector
from onnxaudit.errors import UsageError
from onnxaudit.findings.kind import Kind, list_kinds
from onnxaudit.intake import Model
from onnxaudit.intake.writer import save_model
from onnxaudit.inversion.patch import invert
from onnxaudit.mitigation.context import TuningContext
from onnxaudit.mitigation.evaluation import ReferenceSamples, classify
from onnxaudit.mitigation.fine_tuning import fine_tune
from onnxaudit.mitigation.tuning_round import Distorted, FineTuning, Triggers
from onnxaudit.pipeline.acceptance import Acceptance, Checks, judge_draft, open_draft
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.pipeline.forgetting import check_targets
from onnxaudit.pipeline.pruning import AUTO, Pruned, Pruner
from onnxaudit.pipeline.reinversion import Reinversion
from onnxaudit.pipeline.removal import take_out
from onnxaudit.pipeline.renewal import renew_targets
from onnxaudit.pipeline.repair_report import Outcome, report_repair
from onnxaudit.pipeline.scans import scan_subject
from onnxaudit.pipeline.subject import open_weights
from onnxaudit.pipeline.whole_image import join, list_whole_image_targets
from onnxaudit.pipeline.whole_image_probe import Probe
from onnxaudit.records import (
    Event,
    LabelStatus,
    OnEvent,
    Removal,
    RepairReport,
    Samples,
    Trigger,
)


class _NotMetError(Exception):
    """A draft that missed a limit; raised to keep it from getting its name."""


def run_pass(context: RepairContext, targets: tuple[int, ...]) -> RepairReport:
    """Prune, tune, write, report.

    Raises:
        InputError: a target or the layer cannot be repaired.
        OutputError: the result cannot be written.
        RepairError: the written draft failed a check.
    """
    layer = None if context.layer == AUTO else context.layer
    context = replace(context, subject=open_weights(context.subject, layer))
    runtime = context.subject.runtime
    fitting, validation = _split(context)
    invert = Reinversion(context=context, fitting=fitting.samples)
    triggers = {target: _find_triggers(context, target, fitting.samples, invert) for target in targets}
    pruned = Pruner(context=context, triggers=triggers, invert=invert, fitting=fitting, validation=validation).prune_at(
        context.layer
    )
    further, known = context.evaluation, context.known_trigger
    evaluation = Evaluation.of(runtime, validation, pruned.triggers, further=further, known=known)
    tuned = _tune(context, pruned, evaluation, fitting, invert)
    repaired = tuned.model if tuned else pruned.model
    context.on_event(Event("write", 0, 0, "writing the model and checking what was written"))
    final, removal = _remove(context, pruned, repaired, fitting.samples)
    checks = Checks(
        forgetting=check_targets(context, repaired, evaluation, fitting),
        renewed=renew_targets(context, repaired, evaluation, fitting),
        near=tuned.near if tuned else 0,
    )
    accepted, written = _write(context, final, evaluation, checks)
    outcome = Outcome(
        pruned=pruned,
        model=repaired,
        candidates=tuned.candidates if tuned else (),
        removal=removal,
        evaluation=evaluation,
        accepted=accepted,
        written=written,
        unlearned=tuned.distorted if tuned else {},
    )
    return report_repair(context, outcome)


def _split(context: RepairContext) -> tuple[ReferenceSamples, ReferenceSamples]:
    """`X` and `D_valid`, next to what the original answers."""
    runtime, samples = context.subject.runtime, context.subject.samples
    fitting, validation = split(samples, classify(runtime, samples.images), seed=context.seed)
    return ReferenceSamples.of(runtime, fitting), ReferenceSamples.of(runtime, validation)


def _find_triggers(context: RepairContext, target: int, fitting: Samples, invert: Reinversion) -> tuple[Trigger, ...]:
    """The scan's trigger for a label, and those of fresh inversions on the original that stand out too.

    A trigger that moves every class is the only one of its kind.
    """
    first = _find_trigger(context, target, fitting)
    if context.config.pruning.criterion == "success" or Kind.ALL_TO_ALL in list_kinds(context.scan, target):
        return (first,)
    starts = range(context.config.pruning.starts)
    return (first, *(one for number in starts for one in invert(context.subject.model, target, number)))


def _find_trigger(context: RepairContext, target: int, fitting: Samples) -> Trigger:
    """The scan's trigger for a label, or, where it has none of it, a new one: the strongest, if not enough for a scan.

    Raises:
        OutOfTimeError: the deadline has passed.
        UsageError: what leads to the label is within the limit of success already.
    """
    universal = context.scan.universal
    if universal is not None and Kind.ALL_TO_ALL in list_kinds(context.scan, target):
        return universal.trigger
    for finding in context.scan.triggers:
        if finding.label == target:
            return finding.trigger
    (found,) = invert(
        context.subject.classifier,
        fitting,
        (target,),
        context.config.scan.detection.find_settings(PatchDetector).refinement,
        seed=context.seed,
        deadline=context.deadline,
        on_event=context.on_event,
    )
    if found.status is LabelStatus.UNFINISHED:
        context.deadline.check()
    if found.success_rate < context.config.pruning.max_success:
        raise UsageError(
            f"the strongest trigger found for label {target} sends {100 * found.success_rate:.0f} % of the samples "
            "there, so there is nothing to repair; give more clean images or another label"
        )
    return found.trigger


def _tune(
    context: RepairContext, pruned: Pruned, evaluation: Evaluation, fitting: ReferenceSamples, invert: Reinversion
) -> FineTuning | None:
    """Fine-tuning by the chosen method; None where it is pruning alone."""
    subject, config = context.subject, context.config
    if config.method == "prune":
        return None
    full, limits = config.method == "full", config.pruning
    tuning = TuningContext(
        original=subject.model,
        pruned=pruned.model,
        preprocessing=subject.choice.preprocessing,
        layer=pruned.profile.layer,
        neurons=pruned.neurons,
        inputs=pruned.inputs,
        fitting=fitting,
        validation=evaluation.validation,
        device=subject.device,
        most_images=subject.classifier.most_images,
    )
    return fine_tune(
        tuning,
        _leave_out(invert.known, evaluation.triggers) if full else {},
        replace(config.fine_tuning, min_agreement=limits.min_agreement, max_success=limits.max_success),
        distorted=Distorted(
            known=join(list_whole_image_targets(context.scan), context.further_families),
            probe=Probe(context=context, fitting=fitting.samples) if full and context.searched_briefly else None,
        ),
        invert=invert,
        seed=context.seed,
        deadline=context.deadline,
        on_event=context.on_event,
    )


def _leave_out(known: Set[str], triggers: Triggers) -> Triggers:
    """Triggers without those that fine-tuning finds again by itself: they would count twice."""
    return {label: [one for one in some if one.digest not in known] for label, some in triggers.items()}


def _remove(context: RepairContext, pruned: Pruned, repaired: Model, samples: Samples) -> tuple[Model, Removal | None]:
    """The model to write, and what became of the pruned neurons, where they are to go."""
    if not context.config.remove:
        return repaired, None
    return take_out(context.subject, repaired, pruned.profile.layer, pruned.neurons, samples)


def _write(context: RepairContext, repaired: Model, evaluation: Evaluation, checks: Checks) -> tuple[Acceptance, bool]:
    """Write a draft, judge it, and give it its name if it deserves one; whether it does."""
    judged: list[Acceptance] = []

    def check(draft: Path) -> None:
        judged.append(_judge(context, draft, repaired, evaluation, checks))
        if not judged[0].met and not context.allow_incomplete:
            raise _NotMetError

    try:
        save_model(repaired, context.output, check)
    except _NotMetError:
        return judged[0], False
    return judged[0], True


def _judge(
    context: RepairContext,
    draft: Path,
    repaired: Model,
    evaluation: Evaluation,
    checks: Checks,
) -> Acceptance:
    subject = open_draft(draft, context.subject, repaired, seed=context.seed)
    # Fresh randomness: the repair must not be judged by the very course of inversion that it was made from.
    detection = replace(context.config.scan.detection, watched=evaluation.targets)
    rescan = scan_subject(
        subject,
        replace(context.config.scan, detection=detection),
        seed=context.seed + 1,
        start=time.monotonic(),
        deadline=context.deadline,
        on_event=_relay_as_rescan(context.on_event),
        shelf=context.shelf,
    )
    rescan = replace(rescan, model=replace(rescan.model, path=str(context.output)))
    return judge_draft(
        subject,
        context.scan,
        rescan,
        evaluation,
        context.config,
        checks=checks,
        suspected=context.suspected,
    )


def _relay_as_rescan(on_event: OnEvent) -> OnEvent:
    def relay(event: Event) -> None:
        on_event(replace(event, stage="rescan"))

    return relay
