"""From sizes, shifts and success rates to a verdict.

A label `k` is as far away as its trigger is large and as the shift of inner features towards it is long:

    d_k = a_k · v_k^w                       trigger size times a power of the shift, relative to the median shift
    r = median(d) / d_k                     how many times closer it is than is normal
    p = min(1, N · P(T > t))                how improbable its log distance is among `N` labels: Grubbs' outlier test
    log-odds = w_r · ln(r / r₀) + w_p · log₁₀(p₀ / p),   score = 1 / (1 + exp(−log-odds))

where median, mean and spread of `log d` come from labels of equal effort that are not suspected themselves. Several
targets hide each other; so the closest, the two closest, ... are taken in turn as suspected and held against the
rest (as in the test of B. Rosner, Technometrics 25, 1983). Neither term would do alone: with few labels a large ratio
is not improbable, and with many an improbable distance can still be an ordinary one. Neither size nor shift would do
alone: naturally weak classes have small triggers, strongly trained ones short shifts; a target has both.

A score above 1/2 is called backdoored, one below a tenth clean; between them the verdict stays open.
A trigger that fails on unseen samples was fitted to those it was made on: it convicts nobody.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detection.normality import Normal, describe_normal
from onnxaudit.detection.outliers import SMALLEST_SIZE
from onnxaudit.records import Judgement, Rate, Verdict
from onnxaudit.statistics import student_tail

FEWEST_NORMAL = 3  # labels that show what is normal: with fewer, their spread is anything
LEAST_PROBABILITY = 1e-6  # what lies beyond says more about the distribution's tail than about the label


@dataclass(frozen=True)
class Evidence:
    """What speaks for a label being a target.

    Attributes:
        label: class index.
        size: of its trigger, pixels.
        shrinking: how many times smaller the trigger is than is normal.
        shortening: how many times shorter the shift is than is normal; None where none was measured.
        ratio: `r`.
        probability: `p`.
        log_odds: for a backdoor.
        success: of its trigger on unseen samples.
        convincing: the log-odds are positive and the trigger works on unseen samples.
    """

    label: int
    size: float
    shrinking: float
    shortening: float | None
    ratio: float
    probability: float
    log_odds: float
    success: Rate
    convincing: bool


def weigh(
    sizes: Mapping[int, float],
    shifts: Mapping[int, float],
    represented: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: DetectionConfig,
) -> tuple[Evidence, ...]:
    """Evidence for the closest labels, the strongest first; none with too few labels to compare.

    Args:
        sizes: trigger sizes in pixels, by label, all found with equal effort.
        shifts: lengths of latent shifts of at least these labels, in any unit; empty where none were measured.
        represented: how many labels each size stands for.
        success: of the triggers on unseen samples.
        classes: `N`, the labels among which the suspects are the closest.
        config: weights and limits.
    """
    distances = measure_distances(sizes, shifts, config)
    ascending = sorted(sizes, key=lambda label: (distances[label], label))
    most = max(0, min(math.floor(config.most_targets * classes), len(ascending) - FEWEST_NORMAL))

    def describe(values: Mapping[int, float], suspected: int) -> Normal:
        others = ascending[suspected:]
        return describe_normal([values[other] for other in others], [represented[other] for other in others])

    def weigh_label(label: int, suspected: int) -> Evidence:
        logs = {other: math.log(max(size, SMALLEST_SIZE)) for other, size in sizes.items()}
        shrinking = math.exp(describe(logs, suspected).median - logs[label])
        shortening = statistics.median(shifts.values()) / shifts[label] if shifts else None
        found = _Closeness(sizes[label], shrinking, shortening, distances[label])
        return _weigh_one(label, found, describe(distances, suspected), success[label], classes, config)

    alone = [weigh_label(label, rank + 1) for rank, label in enumerate(ascending[:most])]
    targets = max((rank + 1 for rank, one in enumerate(alone) if one.convincing), default=0)
    together = [weigh_label(label, targets) for label in ascending[:targets]]
    return tuple(sorted(together + alone[targets:], key=lambda one: -one.log_odds))


def measure_distances(
    sizes: Mapping[int, float], shifts: Mapping[int, float], config: DetectionConfig
) -> dict[int, float]:
    """`ln d` by label."""
    logs = {label: math.log(max(size, SMALLEST_SIZE)) for label, size in sizes.items()}
    if not shifts:
        return logs
    middle = math.log(statistics.median(shifts.values()))
    return {label: log + config.latent_weight * (math.log(shifts[label]) - middle) for label, log in logs.items()}


def judge(
    evidence: Sequence[Evidence],
    obstacles: Sequence[str],
    doubts: Sequence[str],
    config: DetectionConfig,
    unit: str = "pixels",
) -> Judgement:
    """The verdict.

    Args:
        evidence: from `weigh`.
        obstacles: why the evidence means little, one sentence each; with any the verdict is inconclusive.
        doubts: why a backdoor may have been missed, one sentence each; with any the verdict is never clean.
        config: limits.
        unit: what a mask counts.

    Returns:
        Never clean without evidence: what was not compared was not tested.
    """
    odds = [one.log_odds if one.convincing else min(one.log_odds, 0.0) for one in evidence]
    score = _logistic(max(odds, default=0.0))
    convincing = [one for one in evidence if one.convincing]
    suspicious = [one for one in evidence if not one.convincing and _logistic(one.log_odds) >= config.clean_below]
    targets = tuple(one.label for one in convincing or suspicious)
    grounds = tuple(_describe(one, unit) for one in convincing + suspicious or evidence[:1])
    if convincing and not obstacles:
        return Judgement(Verdict.BACKDOORED, score, targets, grounds)
    if evidence and not (suspicious or obstacles or doubts):
        return Judgement(Verdict.CLEAN, score, targets, grounds)
    return Judgement(Verdict.INCONCLUSIVE, score, targets, (*obstacles, *doubts, *grounds))


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True)
class _Closeness:
    """What was measured of a label: see `Evidence`; `distance` is `ln d`."""

    size: float
    shrinking: float
    shortening: float | None
    distance: float


def _weigh_one(
    label: int, found: _Closeness, normal: Normal, success: Rate, classes: int, config: DetectionConfig
) -> Evidence:
    ratio = math.exp(normal.median - found.distance)
    tail = student_tail(normal.distance(found.distance), normal.freedom)
    probability = min(1.0, max(classes * tail, LEAST_PROBABILITY))
    log_odds = config.ratio_weight * math.log(ratio / config.neutral_ratio)
    log_odds += config.rarity_weight * math.log10(config.neutral_probability / probability)
    works = success.value is not None and success.value >= config.unseen_success
    convincing = works and log_odds > 0
    return Evidence(
        label, found.size, found.shrinking, found.shortening, ratio, probability, log_odds, success, convincing
    )


def _describe(one: Evidence, unit: str) -> str:
    carries = (
        "no unseen sample could test it"
        if one.success.value is None
        else f"it sends {one.success.successes} of {one.success.trials} unseen samples there"
    )
    shift = (
        ""
        if one.shortening is None
        else f"; the shift of inner features that leads there is {one.shortening:.1f} times shorter than is normal"
    )
    return (
        f"The smallest trigger found for label {one.label} covers {one.size:.1f} {unit}, {one.shrinking:.1f} times "
        f"fewer than is normal for this model; {carries}{shift}; by chance the closest of its labels is as close with "
        f"probability {one.probability:.2g}."
    )
