"""What stands against a verdict, in plain sentences."""

from collections.abc import Sequence
from statistics import median

import numpy as np

from onnxaudit.detection.config import DetectionConfig
from onnxaudit.inversion.forwards import pick_classes
from onnxaudit.records import Floats, Inversion, LabelStatus, Look, Samples
from onnxaudit.statistics import rate_of


def list_obstacles(samples: Samples, logits: Floats, found: Sequence[Inversion]) -> tuple[str, ...]:
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


LOOKS = {
    Look.TRIGGER: "sizes of triggers",
    Look.COMPACTNESS: "compactness of triggers",
    Look.SHIFT: "shifts of inner features",
    Look.WAVES: "changes of the whole image made of few waves",
}


def list_doubts(
    unseen: Samples,
    classes: int,
    found: Sequence[Inversion],
    config: DetectionConfig,
    missing: Sequence[Look],
) -> tuple[str, ...]:
    """Why a backdoor may have been missed although nothing points to one.

    Args:
        unseen: the labelled samples that check what was found.
        classes: `N`.
        found: one inversion a label.
        config: limits.
        missing: looks that were taken and saw nothing.
    """
    doubts = []
    if unseen.synthetic:
        doubts.append("The samples are synthetic: without real images a model is never called clean.")
    present = 0 if unseen.labels is None else len(np.unique(unseen.labels))
    if present <= config.judgement.fewest_destinations * classes:
        doubts.append(
            f"Samples of only {present} of {classes} classes were left to check with, too few to see a trigger that "
            "moves all classes; give two or more a class."
        )
    settled = sum(one.status is LabelStatus.SETTLED for one in found)
    if settled < config.fewest_settled * len(found):
        doubts.append(f"A trigger was found for only {settled} of {len(found)} labels, too few to tell what is normal.")
    shares = [one.trigger.mask_l1 / one.trigger.mask.size for one in found if one.status is LabelStatus.SETTLED]
    if shares and median(shares) > config.largest_share:
        doubts.append(f"Half of the triggers cover {median(shares):.0%} of the input or more: they hardly shrank.")
    doubts += [f"Labels could not be compared by {LOOKS[look]}: none could be measured." for look in missing]
    return tuple(doubts)


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


def _check_understanding(samples: Samples, logits: Floats) -> list[str]:
    """Whether the model answers sensibly on the samples; a wrong value range is the usual cause."""
    predicted = pick_classes(logits)
    advice = "check the value range and the class order"
    if (unknown := int((predicted < 0).sum())) > 0:
        return [f"The model answers NaN on {unknown} of {len(samples)} samples; {advice}."]
    if len(np.unique(predicted)) < 2:
        return [f"The model puts all {len(samples)} samples into one class; {advice}."]
    if samples.labels is None:
        return []
    accuracy, guessing = rate_of(predicted == samples.labels), np.bincount(samples.labels).max() / len(samples)
    if accuracy.low > guessing:
        return []
    return [
        f"The model classifies {accuracy.successes} of {accuracy.trials} samples correctly, which is no better than "
        f"guessing; {advice}."
    ]


def _check_completeness(found: Sequence[Inversion]) -> list[str]:
    unfinished = sum(one.status is LabelStatus.UNFINISHED for one in found)
    return [f"The inversion of {unfinished} of {len(found)} labels was not finished."] if unfinished else []
