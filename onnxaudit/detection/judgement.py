"""From sizes and success rates to a verdict.

For a suspect label `k` with trigger size `a_k` the evidence is

    r = median(a) / a_k                     how many times smaller its trigger is than is normal
    p = min(1, N · P(T > t))                how improbable its log size is among `N` labels: Grubbs' outlier test
    log-odds = w_r · ln(r / r₀) + w_p · log₁₀(p₀ / p),   score = 1 / (1 + exp(−log-odds))

where median, mean and spread of `log a` come from labels of equal effort that are not suspected themselves. Several
targets hide each other; so the smallest, the two smallest, ... are taken in turn as suspected and held against the
rest (as in the test of B. Rosner, Technometrics 25, 1983). Neither term would do alone: with few labels a large ratio
is not improbable, and with many an improbable size can still be an ordinary one.

A score above 1/2 is called backdoored, one below a tenth clean; between them the verdict stays open.
A trigger that fails on unseen samples was fitted to those it was made on: it convicts nobody.
"""

import math
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
        ratio: `r`.
        probability: `p`.
        log_odds: for a backdoor.
        success: of its trigger on unseen samples.
        convincing: the log-odds are positive and the trigger works on unseen samples.
    """

    label: int
    size: float
    ratio: float
    probability: float
    log_odds: float
    success: Rate
    convincing: bool


def weigh(
    sizes: Mapping[int, float],
    represented: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: DetectionConfig,
) -> tuple[Evidence, ...]:
    """Evidence for the smallest labels, the strongest first; none with too few labels to compare.

    Args:
        sizes: trigger sizes in pixels, by label, all found with equal effort.
        represented: how many labels each of them stands for.
        success: of these triggers on unseen samples.
        classes: `N`, the labels among which the suspects are the smallest.
        config: weights and limits.
    """
    ascending = sorted(sizes, key=lambda label: (sizes[label], label))
    most = max(0, min(math.floor(config.most_targets * classes), len(ascending) - FEWEST_NORMAL))

    logs = {label: math.log(max(size, SMALLEST_SIZE)) for label, size in sizes.items()}

    def weigh_label(label: int, suspected: int) -> Evidence:
        others = ascending[suspected:]
        normal = describe_normal([logs[other] for other in others], [represented[other] for other in others])
        return _weigh_one(label, sizes[label], normal, success[label], classes, config)

    alone = [weigh_label(label, rank + 1) for rank, label in enumerate(ascending[:most])]
    targets = max((rank + 1 for rank, one in enumerate(alone) if one.convincing), default=0)
    together = [weigh_label(label, targets) for label in ascending[:targets]]
    return tuple(sorted(together + alone[targets:], key=lambda one: -one.log_odds))


def judge(
    evidence: Sequence[Evidence], obstacles: Sequence[str], doubts: Sequence[str], config: DetectionConfig
) -> Judgement:
    """The verdict.

    Args:
        evidence: from `weigh`.
        obstacles: why the evidence means little, one sentence each; with any the verdict is inconclusive.
        doubts: why a backdoor may have been missed, one sentence each; with any the verdict is never clean.
        config: limits.

    Returns:
        Never clean without evidence: what was not compared was not tested.
    """
    odds = [one.log_odds if one.convincing else min(one.log_odds, 0.0) for one in evidence]
    score = _logistic(max(odds, default=0.0))
    convincing = [one for one in evidence if one.convincing]
    suspicious = [one for one in evidence if not one.convincing and _logistic(one.log_odds) >= config.clean_below]
    targets = tuple(one.label for one in convincing or suspicious)
    grounds = tuple(_describe(one) for one in convincing + suspicious or evidence[:1])
    if convincing and not obstacles:
        return Judgement(Verdict.BACKDOORED, score, targets, grounds)
    if evidence and not (suspicious or obstacles or doubts):
        return Judgement(Verdict.CLEAN, score, targets, grounds)
    return Judgement(Verdict.INCONCLUSIVE, score, targets, (*obstacles, *doubts, *grounds))


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _weigh_one(
    label: int, size: float, normal: Normal, success: Rate, classes: int, config: DetectionConfig
) -> Evidence:
    log_size = math.log(max(size, SMALLEST_SIZE))
    ratio = math.exp(normal.median - log_size)
    tail = student_tail(normal.distance(log_size), normal.freedom)
    probability = min(1.0, max(classes * tail, LEAST_PROBABILITY))
    log_odds = config.ratio_weight * math.log(ratio / config.neutral_ratio)
    log_odds += config.rarity_weight * math.log10(config.neutral_probability / probability)
    works = success.value is not None and success.value >= config.unseen_success
    return Evidence(label, size, ratio, probability, log_odds, success, works and log_odds > 0)


def _describe(one: Evidence) -> str:
    carries = (
        "no unseen sample could test it"
        if one.success.value is None
        else f"it sends {one.success.successes} of {one.success.trials} unseen samples there"
    )
    return (
        f"The smallest trigger found for label {one.label} covers {one.size:.1f} pixels, {one.ratio:.1f} times fewer "
        f"than is normal for this model; by chance the smallest of its labels is as small with probability "
        f"{one.probability:.2g}; {carries}."
    )
