"""What stands against a verdict: measured here, worded in `findings.reasons`."""

from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from onnxaudit.findings import reasons
from onnxaudit.findings.interruptions import UNFINISHED
from onnxaudit.inversion.forwards import pick_classes
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Floats, Inversion, LabelStatus, Reason, Samples
from onnxaudit.statistics import rate_of


def list_obstacles(samples: Samples, logits: Floats, found: Sequence[Inversion]) -> tuple[Reason, ...]:
    """Why the evidence means little; empty where nothing does.

    Args:
        samples: all clean samples.
        logits: of the samples, `(n, classes)`.
        found: one inversion a label.
    """
    return (
        *_check_understanding(samples, logits),
        *_check_completeness(found),
    )


def list_doubts(
    unseen: Samples,
    classes: int,
    found: Sequence[Inversion],
    config: DetectionConfig,
    *,
    missing: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> tuple[Reason, ...]:
    """Why a backdoor may have been missed although nothing points to one.

    Args:
        unseen: the labeled samples that check what was found.
        classes: `N`.
        found: one inversion a label.
        config: limits.
        missing: ids of detectors that ran and measured nothing.
        left_out: ids of detectors that the score needs and that did not run.
    """
    present = 0 if unseen.labels is None else len(np.unique(unseen.labels))
    settled = [one for one in found if one.status is LabelStatus.SETTLED]
    sizes, late = [one.trigger.mask_l1 / one.trigger.mask.size for one in settled], sum(one.late for one in settled)
    doubts = []
    if unseen.synthetic:
        doubts.append(reasons.NO_IMAGES.give())
    if present <= config.verdict.fewest_destinations * classes:
        doubts.append(reasons.FEW_CLASSES.give(present=present, classes=classes))
    if classes < config.verdict.fewest_classes:
        doubts.append(reasons.SMALL_MODEL.give(classes=classes, fewest=config.verdict.fewest_classes))
    if len(sizes) < config.fewest_settled * len(found):
        doubts.append(reasons.FEW_TRIGGERS.give(settled=len(sizes), labels=len(found)))
    elif late > config.most_late * len(found):
        doubts.append(reasons.FEW_TRIGGERS.give(settled=len(sizes) - late, labels=len(found)))
    if sizes and median(sizes) > config.largest_share:
        doubts.append(reasons.LARGE_TRIGGERS.give(share=median(sizes)))
    doubts += [reasons.not_measured(name).give() for name in missing]
    doubts += [reasons.left_out(name).give() for name in left_out]
    return tuple(doubts)


def measure_accuracy(samples: Samples, logits: Floats) -> float | None:
    """Share of the labeled samples that the model classifies correctly; None without labels."""
    if samples.labels is None or not len(samples):
        return None
    return float(np.mean(pick_classes(logits) == samples.labels))


def explain(one: Inversion) -> str:
    """Why a label's inversion did not settle, else ""."""
    match one.status:
        case LabelStatus.SETTLED:
            return ""
        case LabelStatus.UNREACHED:
            return "no trigger sent enough samples to this label"
        case LabelStatus.UNFINISHED if one.passes:
            return "the time was up before its inversion had settled"
        case _:
            return "its inversion was not begun: no time, or no samples of other classes"


def _check_understanding(samples: Samples, logits: Floats) -> Iterator[Reason]:
    """Whether the model answers sensibly on the samples; a wrong value range is the usual cause."""
    predicted, count = pick_classes(logits), len(samples)
    if (unknown := int((predicted < 0).sum())) > 0:
        yield reasons.ANSWERS_NAN.give(nan=unknown, samples=count)
    elif len(np.unique(predicted)) < 2:
        yield reasons.ONE_CLASS.give(samples=count)
    elif samples.labels is not None:
        accuracy, guessing = rate_of(predicted == samples.labels), np.bincount(samples.labels).max() / count
        if accuracy.low <= guessing:
            yield reasons.AT_CHANCE.give(correct=accuracy.successes, samples=accuracy.trials)


def _check_completeness(found: Sequence[Inversion]) -> Iterator[Reason]:
    unfinished = sum(one.status is LabelStatus.UNFINISHED for one in found)
    if unfinished:
        yield UNFINISHED.give(unfinished=unfinished, labels=len(found))
