"""The report of a repair."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from onnxaudit.findings.interruptions import OUT_OF_TIME
from onnxaudit.intake import Model
from onnxaudit.pipeline.acceptance import Acceptance
from onnxaudit.pipeline.changes import describe_saturation, list_changes
from onnxaudit.pipeline.context import RepairConfig, RepairContext
from onnxaudit.pipeline.evaluation import Evaluation
from onnxaudit.pipeline.provenance import describe_config
from onnxaudit.pipeline.pruning import Pruned
from onnxaudit.pipeline.removal import describe_removal
from onnxaudit.pipeline.whole_image import Families, describe_unlearned
from onnxaudit.records import Measurement, Removal, RepairCandidate, RepairReport, ScanReport, Verdict
from onnxaudit.report.trade_off import describe_best
from onnxaudit.report.wording import summarize_repair, summarize_suspects
from onnxaudit.runtime import Runtime
from onnxaudit.versions import list_versions


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What the stages of a repair made.

    Attributes:
        pruned: what the pruning loop left.
        model: the repaired model, pruned neurons still in it.
        candidates: networks among which fine-tuning chose the repaired model.
        removal: what became of them, where they were to go.
        evaluation: what models are measured on.
        accepted: what was found on the written draft.
        written: whether the draft got its name.
        unlearned: families of changes of the whole image, by target.
    """

    pruned: Pruned
    model: Model
    candidates: tuple[RepairCandidate, ...]
    removal: Removal | None
    evaluation: Evaluation
    accepted: Acceptance
    written: bool
    unlearned: Families


def report_repair(context: RepairContext, outcome: Outcome) -> RepairReport:
    """The report of a repair that ran."""
    pruned, accepted, evaluation = outcome.pruned, outcome.accepted, outcome.evaluation
    limits = context.config.pruning
    vendor, original = context.subject.model, evaluation.measure(context.subject.runtime)
    return RepairReport(
        met=accepted.met,
        outcome="repaired" if accepted.met else "incomplete",
        summary=_summarize(context, outcome, original),
        reasons=(
            *accepted.missed,
            *accepted.kept,
            *describe_best(outcome.candidates, min_agreement=limits.min_agreement, max_success=limits.max_success),
            *pruned.endings,
            *describe_unlearned(outcome.unlearned),
            *describe_saturation(vendor, outcome.model),
            *describe_removal(outcome.removal),
        ),
        output=str(context.output) if outcome.written else None,
        output_sha256=accepted.sha256 if outcome.written else None,
        targets=evaluation.targets,
        layer=pruned.profile.layer,
        profile=pruned.profile,
        rounds=pruned.rounds,
        pruned=pruned.neurons,
        pruned_inputs=pruned.inputs,
        original=original,
        pruned_only=_measure(context, pruned.model, evaluation),
        repaired=accepted.measurement,
        changes=list_changes(vendor, outcome.model),
        scan=context.scan,
        rescan=accepted.rescan,
        removal=outcome.removal,
        candidates=outcome.candidates,
        suspected=context.suspected,
        forgetting=accepted.forgetting,
        unlearned=dict(outcome.unlearned),
        **_describe_provenance(context.config, context.seed, context.subject.device, context.started),
    )


def decline(context: RepairContext, outcome: Literal["nothing to repair", "inconclusive"]) -> RepairReport:
    """The report of a repair that did nothing."""
    provenance = _describe_provenance(context.config, context.seed, context.subject.device, context.started)
    return _report_nothing(
        context.scan,
        outcome,
        summarize_repair(outcome, context.scan.target_labels),
        context.scan.reasons,
        provenance,
    )


def report_late(
    scan: ScanReport, config: RepairConfig, doing: str, *, seed: int, device: str, started: float
) -> RepairReport:
    """The report of a repair whose time was up within a step, so that nothing was written."""
    reason = OUT_OF_TIME.give(doing=doing)
    summary = f"Nothing was repaired: {reason.seen} Treat the model as before. {reason.advice}"
    reasons = (reason.seen, *(one for one in scan.reasons if one != reason.seen))
    return _report_nothing(scan, "inconclusive", summary, reasons, _describe_provenance(config, seed, device, started))


def _report_nothing(
    scan: ScanReport,
    outcome: Literal["nothing to repair", "inconclusive"],
    summary: str,
    reasons: tuple[str, ...],
    provenance: dict[str, Any],
) -> RepairReport:
    return RepairReport(
        met=outcome == "nothing to repair",
        outcome=outcome,
        summary=summary,
        reasons=reasons,
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
        scan=scan,
        rescan=None,
        **provenance,
    )


def _summarize(context: RepairContext, outcome: Outcome, original: Measurement) -> str:
    accepted, targets, names = outcome.accepted, outcome.evaluation.targets, context.subject.class_names
    if context.suspected and accepted.met:
        return summarize_suspects(
            targets,
            names,
            original=original,
            repaired=accepted.measurement,
            pruned=outcome.pruned.count,
            cleared=accepted.rescan.verdict is Verdict.CLEAN,
        )
    return summarize_repair(
        "repaired" if accepted.met else "incomplete",
        targets,
        names,
        original=original,
        repaired=accepted.measurement,
        pruned=outcome.pruned.count,
        written=outcome.written,
        missed=accepted.missed,
    )


def _measure(context: RepairContext, model: Model, evaluation: Evaluation) -> Measurement:
    return evaluation.measure(Runtime(model, context.subject.choice.preprocessing, context.subject.device))


def _describe_provenance(config: RepairConfig, seed: int, device: str, started: float) -> dict[str, Any]:
    """The fields that every repair's report has."""
    return {
        "config": describe_config(config),
        "seed": seed,
        "device": device,
        "versions": list_versions(),
        "duration_seconds": round(time.monotonic() - started, 3),
    }
