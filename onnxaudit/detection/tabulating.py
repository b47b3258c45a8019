"""What a scan found, as rows and records of the report."""

from collections.abc import Mapping, Sequence

from onnxaudit.detection.closer import Role, sizes_of
from onnxaudit.detection.obstacles import explain
from onnxaudit.records import Coverage, Inversion, LabelResult, LabelStatus, Rate, TriggerFinding
from onnxaudit.scoring.outliers import anomaly_indexes, log_indexes
from onnxaudit.scoring.verdict import Evidence
from onnxaudit.statistics import rate

SCREENED = "among so many labels the cheap looks saw nothing in it; no trigger was sought"


def tabulate(
    first: Sequence[Inversion],
    found: Mapping[int, Inversion],
    closer_sizes: Mapping[int, float],
    evidence: Sequence[Evidence],
    roles: Mapping[int, Role],
    success: Mapping[int, Rate],
    classes: int,
) -> tuple[LabelResult, ...]:
    """One row for each class, in their order.

    Args:
        first: the first look.
        found: all looks as one, by label.
        closer_sizes: of triggers that were looked at closer, pixels, by label.
        evidence: of every label in `found`.
        roles: in the closer look.
        success: of the triggers on unseen samples, by label.
        classes: `N`; a class that is not in `found` was screened out.
    """
    sizes = sizes_of(first)
    labels = [one.label for one in first]
    firsts = [sizes.get(label) for label in labels]
    raw, logs = (dict(zip(labels, indexes, strict=True)) for indexes in (anomaly_indexes(firsts), log_indexes(firsts)))
    closer = dict(zip(closer_sizes, log_indexes(list(closer_sizes.values())), strict=True))
    weighed = {one.label: one for one in evidence}

    def describe(label: int) -> LabelResult:
        if label not in found:
            return LabelResult(label, LabelStatus.SCREENED, None, rate(0, 0), None, reason=SCREENED)
        one = found[label]
        return LabelResult(
            label=label,
            status=one.status,
            mask_l1=one.trigger.mask_l1 if one.status is LabelStatus.SETTLED else None,
            success_rate=success[label],
            anomaly_index=raw[label],
            log_index=logs[label],
            closer_index=closer.get(label),
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
