"""What a scan found, as rows and records of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from onnxaudit.detectors.comparison import Role
from onnxaudit.pipeline.obstacles import explain
from onnxaudit.records import Coverage, Evidence, Inversion, LabelResult, LabelStatus, Rate, TriggerFinding
from onnxaudit.scoring.label_evidence import LabelEvidence
from onnxaudit.scoring.outliers import anomaly_indexes, log_indexes
from onnxaudit.statistics import rate

SCREENED = "among so many labels the survey saw nothing in it; no trigger was sought"
UNTESTED = "the time was up before anything was measured"
LEFT_OUT = "the detector patch was left out; no trigger was sought"


def leave_untested(label: int) -> LabelResult:
    """The row of a class of which nothing was measured because the time was up before."""
    return LabelResult(label, LabelStatus.UNFINISHED, None, rate(0, 0), None, reason=UNTESTED)


def tabulate(
    first: Evidence,
    found: Mapping[int, Inversion],
    *,
    refined_sizes: Mapping[int, float],
    evidence: Sequence[LabelEvidence],
    roles: Mapping[int, Role],
    success: Mapping[int, Rate],
    classes: int,
) -> tuple[LabelResult, ...]:
    """One row for each class, in their order.

    Args:
        first: of the screening for patches.
        found: screening and refinement as one, by label.
        refined_sizes: of triggers that were refined, pixels, by label.
        evidence: of every label that was screened.
        roles: in the refinement.
        success: of the triggers on unseen samples, by label.
        classes: `N`; a class without evidence was not screened.
    """
    sizes, labels = first.distances, list(first.artifacts)
    firsts = [sizes.get(label) for label in labels]
    raw, logs = (dict(zip(labels, indexes, strict=True)) for indexes in (anomaly_indexes(firsts), log_indexes(firsts)))
    refined = dict(zip(refined_sizes, log_indexes(list(refined_sizes.values())), strict=True))
    weighed = {one.label: one for one in evidence}

    def describe(label: int) -> LabelResult:
        if label not in weighed:
            return LabelResult(label, LabelStatus.SCREENED, None, rate(0, 0), None, reason=SCREENED)
        if label not in found:
            ratios, odds = dict(weighed[label].ratios), weighed[label].log_odds
            row = LabelResult(label, LabelStatus.SCREENED, None, rate(0, 0), None, reason=LEFT_OUT)
            return replace(row, ratios=ratios, log_odds=odds)
        one = found[label]
        return LabelResult(
            label=label,
            status=one.status,
            mask_l1=one.trigger.mask_l1 if one.status is LabelStatus.SETTLED else None,
            success_rate=success[label],
            anomaly_index=raw[label],
            log_index=logs[label],
            refined_index=refined.get(label),
            ratios=dict(weighed[label].ratios),
            log_odds=weighed[label].log_odds,
            role=roles.get(label),
            passes=one.passes,
            reason=explain(one),
        )

    return tuple(describe(label) for label in range(classes))


def report_trigger(one: Inversion, success: Rate) -> TriggerFinding:
    """The trigger of a suspect."""
    return TriggerFinding(one.label, one.trigger, one.trigger.digest, one.trigger.mask_l1, success)


def cover(found: Mapping[int, Inversion], classes: int) -> Coverage:
    """What was done; a label that was screened out is finished: that no trigger was sought for it stands in its row."""
    reasons = {one.label: explain(one) for one in found.values() if one.status is LabelStatus.UNFINISHED}
    return Coverage(labels_asked=classes, labels_finished=classes - len(reasons), reasons=reasons)
