"""From what all detectors measured to a verdict.

A detector gives a label `k` a ratio `r_k` that is above one where it looks like a target: how many times closer than is
normal for this model it is. Of `ln r`, term by term (`closeness` has the forms):

    log-odds_k = b − ln max(N, 10) + w_p · limit(patch + latent-inversion)
                 + w_m · compactness with size + w_x · z(exact-shift)
                 + w_s · spectral, standing alone + w_f · lead(photometric)
    score = 1 / (1 + exp(−max_k log-odds_k))

Patch and latent inversion count together: naturally weak classes have small triggers, strongly trained ones short
latent changes; the target of a patch has both. Compactness counts only with a small trigger: alone it opened clean
models. A sinusoid (SIG) is found by its cosines, a photo filter by its lead over every other label. The exact shift
sees targets of any kind of trigger, and carries over to attacks that no constant was fitted on better than any other
evidence. With fewer than ten classes, where it misled (small, badly trained networks of 2 to 8 classes), and where
there is none, the terms are `w_p · limit(patch + latent-inversion) + w_m · max(0, compactness) + w_s ·
limit(spectral)`. Evidence of other detectors is told and weighs nothing.

Only what is closer than normal counts. Among `N` labels the closest is the closer the more there are, hence `ln N`;
with fewer than ten, what is normal is the less certain the fewer there are. The constants were fitted by
`tools/calibrate.py`, by logistic regression with a prior of one half.

A backdoor that moves every label to another one has no target; it shows in a trigger that moves all classes apart (see
`detectors.all_to_all`). It is weighed by how many times smaller this is than is normal for single labels.

A score above 1/2 is called backdoored, one below `clean_below` clean; between them the verdict stays open.
Inner features alone are never enough either: some change of the image has to speak for the label too.
A trigger that fails on unseen samples was fitted to those it was made on: its size and shape prove nothing, they only
leave the verdict open.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onnxaudit.findings import reasons
from onnxaudit.records import Assessment, DetectorInfo, Rate, Reason, UniversalTrigger, Verdict
from onnxaudit.scoring.closeness import (
    Values,
    count_with_size,
    exceed_natural_lead,
    limit,
    score_z,
    stand_alone,
    take_log,
)
from onnxaudit.scoring.outliers import SMALLEST_SIZE
from onnxaudit.text import join_words


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a log-odds is made of: a constant, and a weight for each term.

    Attributes:
        offset: `b`.
        patch: `w_p`.
        compactness: `w_m`.
        exact_shift: `w_x`.
        spectral: `w_s`.
        photometric: `w_f`.
    """

    offset: float = -2.44
    patch: float = 2.10
    compactness: float = 1.39
    exact_shift: float = 1.44
    spectral: float = 2.14
    photometric: float = 0.60


@dataclass(frozen=True)
class VerdictConfig:
    """Constants of the verdict: see `assess`.

    Attributes:
        weights: of the terms.
        weights_without_exact_shift: of networks that do not end in an affine layer, and of fewer classes than
            `fewest_for_exact_shift`: fitted on 65 other models of 2 to 43 classes.
        fewest_for_exact_shift: with fewer classes the exact shifts say too little of what is normal.
        synthetic_discount: taken off `b` where there are no clean images: on synthetic ones labels differ more.
        fewest_compared: with fewer labels the most conspicuous one counts no more than among so many.
        least_shown: log-odds that changes of the image have to add: inner features alone are never enough.
        unseen_success: share of unseen samples that a trigger must send to its label for its size to count.
        clean_below: a model is called clean only if its score is below this.
        fewest_destinations: share of the classes that an all-to-all trigger must send to labels of their own.
        universal_ratio: an all-to-all trigger this many times smaller than is normal speaks neither for nor against.
        universal_weight: log-odds for each factor e by which it is smaller.
    """

    weights: Weights = Weights()
    weights_without_exact_shift: Weights = Weights(
        offset=-0.1, patch=1.38, compactness=3.64, exact_shift=0.0, spectral=0.85, photometric=0.0
    )
    fewest_for_exact_shift: int = 10
    synthetic_discount: float = 1.5
    fewest_compared: int = 10
    least_shown: float = 0.3
    unseen_success: float = 0.6
    clean_below: float = 0.25
    fewest_destinations: float = 0.5
    universal_ratio: float = 3.5
    universal_weight: float = 3.0


WEIGHED = (  # detectors; others decide nothing
    *("patch", "compactness", "latent-inversion", "exact-shift", "spectral", "photometric"),
    "all-to-all",
)
OF_MASKS = ("patch", "compactness")  # terms that a trigger without success on unseen samples does not deserve


@dataclass(frozen=True)
class LabelEvidence:
    """What speaks for a label being a target.

    Attributes:
        label: class index.
        ratios: `r`, by detector; one that has nothing to say of the label is missing.
        log_odds: for a backdoor that leads there.
        size: of its trigger, pixels; None where none was found.
        success: of its trigger on unseen samples.
        held_down: whether the log-odds would speak for a backdoor if the trigger worked on unseen samples and something
            in the image led there.
        shown: whether any change of the image speaks for it.
    """

    label: int
    ratios: Mapping[str, float]
    log_odds: float
    size: float | None
    success: Rate
    held_down: bool = False
    shown: bool = True


def weigh(
    ratios: Mapping[str, Mapping[int, float]],
    sizes: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: VerdictConfig,
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
    labels = tuple(sorted({*success, *(label for values in ratios.values() for label in values)}))
    exact = classes >= config.fewest_for_exact_shift and bool(ratios.get("exact-shift"))
    closeness = measure_closeness(ratios, labels, exact=exact)
    weights = config.weights if exact else config.weights_without_exact_shift
    start = weights.offset - math.log(max(classes, config.fewest_compared))
    start -= config.synthetic_discount if synthetic else 0.0

    def weigh_one(place: int) -> LabelEvidence:
        label = labels[place]
        parts = {name: weigh_term(name, weights) * float(values[place]) for name, values in closeness.items()}
        odds = held = start + sum(parts.values())
        if not carries_over(success[label], config):
            held = max(min(odds, 0.0), odds - sum(parts[name] for name in OF_MASKS))
        shown = odds - start - parts.get("exact-shift", 0.0) >= config.least_shown or not exact
        if not shown:
            held = min(held, 0.0)
        mine = {name: values[label] for name, values in ratios.items() if label in values}
        return LabelEvidence(
            label, mine, held, sizes.get(label), success[label], held_down=held <= 0.0 < odds, shown=shown
        )

    return tuple(
        sorted(
            (weigh_one(place) for place, label in enumerate(labels) if label in success),
            key=lambda one: (-one.log_odds, one.label),
        )
    )


def weigh_term(name: str, weights: Weights) -> float:
    """The weight of the term that is named after a detector."""
    weight: float = getattr(weights, name.replace("-", "_"))
    return weight


def carries_over(success: Rate, config: VerdictConfig) -> bool:
    """Whether a trigger works on samples that it was not made with."""
    return success.value is not None and success.value >= config.unseen_success


def measure_closeness(
    ratios: Mapping[str, Mapping[int, float]], labels: Sequence[int], *, exact: bool = True
) -> dict[str, Values]:
    """How far `labels` stand out, by term of the score, `(labels,)` each, at least zero.

    Args:
        ratios: by detector and label.
        labels: whose.
        exact: whether the terms are those that stand beside the exact shift.
    """

    def take(name: str) -> Values:
        return take_log(np.array([ratios.get(name, {}).get(label, np.nan) for label in labels], dtype=np.float64))

    sizes = take("patch")
    if not exact:
        return {
            "patch": limit(sizes + np.nan_to_num(take("latent-inversion"))),
            "compactness": np.maximum(0.0, np.nan_to_num(take("compactness"))),
            "spectral": limit(take("spectral")),
        }
    return {
        "patch": limit(sizes + np.nan_to_num(take("latent-inversion"))),
        "compactness": count_with_size(take("compactness"), sizes),
        "exact-shift": score_z(take("exact-shift")),
        "spectral": stand_alone(take("spectral")),
        "photometric": exceed_natural_lead(take("photometric")),
    }


def choose_universal(
    found: Sequence[UniversalTrigger], normal_size: float | None, config: VerdictConfig
) -> tuple[UniversalTrigger | None, float]:
    """The one that speaks loudest for an all-to-all backdoor, and its log-odds.

    The smallest will not do: it may be so small because it moves samples without moving the classes apart.
    """
    odds = {index: weigh_universal(one, normal_size, config) for index, one in enumerate(found)}
    best = max(odds, key=lambda index: odds[index], default=None)
    return (None, -math.inf) if best is None else (found[best], odds[best])


def weigh_universal(found: UniversalTrigger, normal_size: float | None, config: VerdictConfig) -> float:
    """Log-odds for an all-to-all backdoor; minus infinity where it does not move the classes apart."""
    if normal_size is None or not found.moves_apart(config.fewest_destinations):
        return -math.inf
    if not carries_over(found.followers, config):
        return -math.inf
    ratio = normal_size / max(found.trigger.mask_l1, SMALLEST_SIZE)
    return config.universal_weight * math.log(max(ratio, SMALLEST_SIZE) / config.universal_ratio)


def assess(
    evidence: Sequence[LabelEvidence],
    universal: tuple[UniversalTrigger | None, float],
    obstacles: Sequence[Reason],
    doubts: Sequence[Reason],
    config: VerdictConfig,
    *,
    unit: str = "pixels",
    detectors: Sequence[DetectorInfo] = (),
) -> Assessment:
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
        return Assessment(Verdict.BACKDOORED, score, targets, tuple(grounds), tuple(doubts))
    if evidence and score < config.clean_below and not (obstacles or doubts):
        return Assessment(Verdict.CLEAN, score, targets, tuple(grounds))
    caveats = (*obstacles, *doubts, *_explain_score(score, evidence, config))
    return Assessment(Verdict.INCONCLUSIVE, score, targets, (*(one.seen for one in caveats), *grounds), caveats)


def _explain_score(score: float, evidence: Sequence[LabelEvidence], config: VerdictConfig) -> Iterator[Reason]:
    """What in the evidence itself leaves the verdict open."""
    if not evidence:
        yield reasons.NOTHING_COMPARED.give()
    if score > 0.5:
        yield reasons.ABOVE_LIMIT.give(score=score)
    elif score >= config.clean_below:
        yield reasons.BETWEEN_LIMITS.give(score=score, clean_below=config.clean_below)
    for one in evidence:
        if one.held_down and not one.shown:
            yield reasons.NOTHING_SHOWN.give(label=one.label)
        elif one.held_down:
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
