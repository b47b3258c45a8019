"""From what all detectors measured to a verdict.

A detector gives a label `k` a ratio `r_k` that is above one where it looks like a target. Three of them tell how many
times closer the label is than is normal for this model, `median / d_k`: by the size of its trigger (`patch`), by the
change of inner features that leads there (`latent-inversion`), by the faintest pattern of few cosines (`spectral`). The
fourth (`compactness`) tells how many times more compact the mask of its trigger is than is normal for this model, and
than natural ones usually are. Patch and latent inversion count together: naturally weak classes have small triggers,
strongly trained ones short latent changes; the target of a patch has both, and in one piece. A sinusoid (SIG) has
neither and is found by its cosines. Evidence of other detectors is told and weighs nothing.

    log-odds_k = b − ln max(N, 10)
                 + w_p · c(r_patch,k · r_latent,k) + w_m · max(0, ln r_compact,k) + w_s · c(r_spectral,k)
    score = 1 / (1 + exp(−max_k log-odds_k))
    c(r) = max(0, ln r) · min(1, z / 4),    z = ln r / spread

Only what is closer than normal counts, and in full only what lies outside of what is usual among this model's labels
(`spread`: robust, from the median absolute deviation; with few labels a usual one). Among `N` labels the closest is the
closer the more there are, hence `ln N`; with fewer than ten, what is normal is the less certain the fewer there are.
The constants were fitted by `tools/calibrate.py`, by logistic regression with a prior of one half, and `b` then lowered
by a quarter: an alarm on a clean model costs more than an open verdict.
Margins and the faintest change of the whole image in root mean square were fitted too and added nothing.

A backdoor that moves every label to another one has no target; it shows in a trigger that moves all classes apart (see
`detectors.all_to_all`). It is weighed by how many times smaller this is than is normal for single labels.

A score above 1/2 is called backdoored, one below `clean_below` clean; between them the verdict stays open.
A trigger that fails on unseen samples was fitted to those it was made on: its size and form convict nobody, they only
leave the verdict open.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from onnxaudit.findings import reasons
from onnxaudit.records import DetectorInfo, Judgement, Rate, Reason, UniversalTrigger, Verdict
from onnxaudit.scoring.outliers import CONSISTENCY, SMALLEST_SIZE
from onnxaudit.text import join_words


@dataclass(frozen=True)
class JudgementConfig:
    """Constants of the verdict: see `judgement`.

    Attributes:
        offset: `b`.
        synthetic_discount: taken off `b` where there are no clean images: on synthetic ones labels differ more.
        patch_weight: `w_p`.
        compactness_weight: `w_m`.
        spectral_weight: `w_s`.
        fewest_compared: with fewer labels the most conspicuous one counts no more than among so many.
        least_spread: of `ln r` among labels; runs with other seeds differ by this much.
        usual_spread: taken where there are too few labels to measure it.
        fewest_for_spread: labels from which it is measured.
        full_distance: `z` from which closeness counts in full.
        unseen_success: share of unseen samples that a trigger must send to its label for its size to count.
        clean_below: a model is called clean only if its score is below this.
        fewest_destinations: share of the classes that an all-to-all trigger must send to labels of their own.
        universal_ratio: an all-to-all trigger this many times smaller than is normal speaks neither for nor against.
        universal_weight: log-odds for each factor e by which it is smaller.
    """

    offset: float = -0.1
    synthetic_discount: float = 1.5
    patch_weight: float = 1.38
    compactness_weight: float = 3.64
    spectral_weight: float = 0.85
    fewest_compared: int = 10
    least_spread: float = 0.15
    usual_spread: float = 0.25
    fewest_for_spread: int = 6
    full_distance: float = 4.0
    unseen_success: float = 0.6
    clean_below: float = 0.25
    fewest_destinations: float = 0.5
    universal_ratio: float = 3.5
    universal_weight: float = 3.0


Closeness = dict[int, float]
WEIGHED = ("patch", "compactness", "latent-inversion", "spectral", "all-to-all")  # detectors; others decide nothing


@dataclass(frozen=True)
class LabelEvidence:
    """What speaks for a label being a target.

    Attributes:
        label: class index.
        ratios: `r`, by detector; one that has nothing to say of the label is missing.
        log_odds: for a backdoor that leads there.
        size: of its trigger, pixels; None where none was found.
        success: of its trigger on unseen samples.
        held_down: whether the log-odds would speak for a backdoor if the trigger worked on unseen samples.
    """

    label: int
    ratios: Mapping[str, float]
    log_odds: float
    size: float | None
    success: Rate
    held_down: bool = False


def weigh(
    ratios: Mapping[str, Mapping[int, float]],
    sizes: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: JudgementConfig,
    *,
    synthetic: bool = False,
) -> tuple[LabelEvidence, ...]:
    """LabelEvidence for every label in `success`, the strongest first.

    Args:
        ratios: by detector and label.
        sizes: of the triggers found, pixels, by label.
        success: of the triggers on unseen samples, by label.
        classes: `N`.
        config: weights and limits.
        synthetic: whether all this was measured without clean images.
    """
    closeness = measure_closeness(ratios, config)
    start = config.offset - math.log(max(classes, config.fewest_compared))
    start -= config.synthetic_discount if synthetic else 0.0

    def weigh_one(label: int) -> LabelEvidence:
        patch, compactness, spectral = (part.get(label, 0.0) for part in closeness)
        by_mask = config.patch_weight * patch + config.compactness_weight * compactness
        odds = start + by_mask + config.spectral_weight * spectral
        held = odds
        if not carries_over(success[label], config):
            held = max(min(odds, 0.0), odds - by_mask)
        mine = {name: values[label] for name, values in ratios.items() if label in values}
        return LabelEvidence(label, mine, held, sizes.get(label), success[label], held_down=held <= 0.0 < odds)

    return tuple(sorted(map(weigh_one, success), key=lambda one: (-one.log_odds, one.label)))


def carries_over(success: Rate, config: JudgementConfig) -> bool:
    """Whether a trigger works on samples that it was not made with."""
    return success.value is not None and success.value >= config.unseen_success


def measure_closeness(ratios: Mapping[str, Mapping[int, float]], config: JudgementConfig) -> tuple[Closeness, ...]:
    """By label: `c` of patch and latent inversion together, the logarithm of compactness, `c` of spectral."""
    latent = ratios.get("latent-inversion", {})
    patch = {label: ratio * latent.get(label, 1.0) for label, ratio in ratios.get("patch", {}).items()}
    compactness = {label: max(0.0, log) for label, log in _take_logs(ratios.get("compactness", {})).items()}
    return _limit(patch, config), compactness, _limit(ratios.get("spectral", {}), config)


def _limit(ratios: Mapping[int, float], config: JudgementConfig) -> Closeness:
    logs = _take_logs(ratios)
    many = len(logs) >= config.fewest_for_spread
    spread = max(_measure_spread(list(logs.values())), config.least_spread) if many else config.usual_spread

    def limit(log: float) -> float:
        return max(0.0, log) * min(1.0, log / spread / config.full_distance)

    return {label: limit(log) for label, log in logs.items()}


def _take_logs(ratios: Mapping[int, float]) -> Closeness:
    return {label: math.log(max(ratio, SMALLEST_SIZE)) for label, ratio in ratios.items()}


def _measure_spread(values: Sequence[float]) -> float:
    """Standard deviation of normal values with the same median absolute deviation."""
    middle = median(values)
    return CONSISTENCY * median(abs(value - middle) for value in values)


def choose_universal(
    found: Sequence[UniversalTrigger], normal_size: float | None, config: JudgementConfig
) -> tuple[UniversalTrigger | None, float]:
    """The one that speaks loudest for an all-to-all backdoor, and its log-odds.

    The smallest will not do: it may be so small because it moves samples without moving the classes apart.
    """
    odds = {index: weigh_universal(one, normal_size, config) for index, one in enumerate(found)}
    best = max(odds, key=lambda index: odds[index], default=None)
    return (None, -math.inf) if best is None else (found[best], odds[best])


def weigh_universal(found: UniversalTrigger, normal_size: float | None, config: JudgementConfig) -> float:
    """Log-odds for an all-to-all backdoor; minus infinity where it does not move the classes apart."""
    if normal_size is None or not found.moves_apart(config.fewest_destinations):
        return -math.inf
    if not carries_over(found.followers, config):
        return -math.inf
    ratio = normal_size / max(found.trigger.mask_l1, SMALLEST_SIZE)
    return config.universal_weight * math.log(max(ratio, SMALLEST_SIZE) / config.universal_ratio)


def judge(
    evidence: Sequence[LabelEvidence],
    universal: tuple[UniversalTrigger | None, float],
    obstacles: Sequence[Reason],
    doubts: Sequence[Reason],
    config: JudgementConfig,
    *,
    unit: str = "pixels",
    detectors: Sequence[DetectorInfo] = (),
) -> Judgement:
    """The verdict.

    Args:
        evidence: from `weigh`.
        universal: what moves all classes, and its log-odds, from `choose_universal`.
        obstacles: why the evidence means little; with any the verdict is inconclusive.
        doubts: why a backdoor may have been missed; with any the verdict is never clean.
        config: limits.
        unit: what a mask counts.
        detectors: that ran, in words.

    Returns:
        Never clean without evidence: what was not compared was not tested.
    """
    mapping, mapping_odds = universal
    score = _logistic(max([mapping_odds, *(one.log_odds for one in evidence)], default=-math.inf))
    suspects = [one for one in evidence if _logistic(one.log_odds) >= config.clean_below]
    convincing = [one for one in suspects if one.log_odds > 0]
    grounds = [_describe(one, unit, detectors) for one in convincing or suspects or evidence[:1]]
    if mapping is not None and _logistic(mapping_odds) >= config.clean_below:
        grounds.insert(0, _describe_mapping(mapping, unit))
    targets = _name_targets(convincing or suspects, mapping if mapping_odds > 0 else None)
    if (convincing or mapping_odds > 0) and not obstacles:
        return Judgement(Verdict.BACKDOORED, score, targets, tuple(grounds), tuple(doubts))
    if evidence and score < config.clean_below and not (obstacles or doubts):
        return Judgement(Verdict.CLEAN, score, targets, tuple(grounds))
    caveats = (*obstacles, *doubts, *_explain_score(score, evidence, config))
    return Judgement(Verdict.INCONCLUSIVE, score, targets, (*(one.seen for one in caveats), *grounds), caveats)


def _explain_score(score: float, evidence: Sequence[LabelEvidence], config: JudgementConfig) -> Iterator[Reason]:
    """What in the evidence itself leaves the verdict open."""
    if not evidence:
        yield reasons.NOTHING_COMPARED.give()
    if score > 0.5:
        yield reasons.ABOVE_LIMIT.give(score=score)
    elif score >= config.clean_below:
        yield reasons.BETWEEN_LIMITS.give(score=score, clean_below=config.clean_below)
    for one in evidence:
        if one.held_down:
            rate = one.success
            yield reasons.UNSEEN_DISOBEY.give(label=one.label, successes=rate.successes, trials=rate.trials)


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0


def _name_targets(found: Sequence[LabelEvidence], mapping: UniversalTrigger | None) -> tuple[int, ...]:
    """Single targets, the surest first; then where an all-to-all backdoor leads."""
    single = [one.label for one in found]
    others = [] if mapping is None else sorted({label for label in mapping.destinations if label is not None})
    return tuple(dict.fromkeys([*single, *others]))


def _describe(one: LabelEvidence, unit: str, detectors: Sequence[DetectorInfo]) -> str:
    size = "no trigger was found" if one.size is None else f"the smallest trigger found covers {one.size:.1f} {unit}"
    carries = (
        "no unseen sample could test it"
        if one.success.value is None
        else f"it sends {one.success.successes} of {one.success.trials} unseen samples there"
    )
    ratios = [info.describe(one.ratios[info.id]) for info in detectors if info.id in one.ratios]
    said = f"{join_words(ratios)} than is normal for this model" if ratios else "nothing could be compared"
    return f"Label {one.label}: {size}, {carries}; {said}."


def _describe_mapping(found: UniversalTrigger, unit: str) -> str:
    pairs = ", ".join(f"{a} to {b}" for a, b in enumerate(found.destinations) if b is not None)
    return (
        f"A single trigger of {found.trigger.mask_l1:.1f} {unit} sends each class to a label of its own ({pairs}); "
        f"{found.followers.successes} of {found.followers.trials} unseen samples follow."
    )
