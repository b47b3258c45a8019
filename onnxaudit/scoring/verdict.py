"""From log-odds to a verdict, with its reasons in words."""

import math
from collections.abc import Iterator, Sequence

from onnxaudit.findings import reasons
from onnxaudit.records import Assessment, DetectorInfo, Reason, UniversalTrigger, Verdict
from onnxaudit.scoring.label_evidence import LabelEvidence
from onnxaudit.scoring.settings import VerdictConfig
from onnxaudit.text import join_words, name_label


def assess(
    evidence: Sequence[LabelEvidence],
    universal: tuple[UniversalTrigger | None, float],
    obstacles: Sequence[Reason],
    doubts: Sequence[Reason],
    config: VerdictConfig,
    *,
    unit: str = "pixels",
    detectors: Sequence[DetectorInfo] = (),
    class_names: Sequence[str] | None = None,
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
        class_names: names by class index, where the data gives them.

    Returns:
        Never clean without evidence: what was not compared was not tested.
    """
    mapping, mapping_odds = universal
    score = _logistic(max([mapping_odds, *(one.log_odds for one in evidence)], default=-math.inf))
    near = is_near_a_limit(evidence, mapping_odds, config)
    suspects = [one for one in evidence if _is_suspect(one, config)]
    convincing = [one for one in suspects if one.log_odds > 0]
    # Seldom does a small, compact trigger of another class by nature come beside a backdoor.
    further = [
        one for one in suspects if convincing and one not in convincing and one.compact >= config.further_compact
    ]
    named = [*convincing, *further] or suspects
    told = named or evidence[:1]
    grounds = [_describe(one, name_label(one.label, class_names), unit, detectors) for one in told]
    if mapping is not None and _logistic(mapping_odds) >= config.clean_below:
        grounds.insert(0, _describe_mapping(mapping, unit))
    targets = _name_targets(named, mapping if mapping_odds > 0 else None)
    if (convincing or mapping_odds > 0) and not obstacles:
        return Assessment(Verdict.BACKDOORED, score, targets, tuple(grounds), tuple(doubts), near)
    if evidence and score < config.clean_below and not (obstacles or doubts):
        return Assessment(Verdict.CLEAN, score, targets, tuple(grounds), (), near)
    caveats = (*obstacles, *doubts, *_explain_score(score, evidence, config))
    seen = (*(one.seen for one in caveats), *grounds)
    return Assessment(Verdict.INCONCLUSIVE, score, targets, seen, caveats, near)


def is_near_a_limit(evidence: Sequence[LabelEvidence], mapping_odds: float, config: VerdictConfig) -> bool:
    """Whether what speaks loudest lies within `near` of calling the model backdoored, or of no longer calling it clean.

    Args:
        evidence: of all labels.
        mapping_odds: log-odds of what moves all classes.
        config: limits.
    """
    odds = max([mapping_odds, *(one.log_odds for one in evidence)])
    beyond = max([mapping_odds, *(one.log_odds + one.withheld - one.convincing for one in evidence)])
    return abs(odds - config.least_open) < config.near or abs(beyond) < config.near


def _is_suspect(one: LabelEvidence, config: VerdictConfig) -> bool:
    """Whether a label may be a target; among few classes the score alone would accuse each of them."""
    return _logistic(one.log_odds) >= config.clean_below and one.added >= config.least_shown


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


def _describe(one: LabelEvidence, name: str, unit: str, detectors: Sequence[DetectorInfo]) -> str:
    size = "no trigger was found" if one.size is None else f"the smallest trigger found covers {one.size:.1f} {unit}"
    carries = (
        "no unseen sample could test it"
        if one.success.value is None
        else f"it sends {one.success.successes} of {one.success.trials} unseen samples there"
    )
    return f"Label {name}: {size}, {carries}; {_compare(one, detectors)}."


def _compare(one: LabelEvidence, detectors: Sequence[DetectorInfo]) -> str:
    """What speaks for a target, and behind it what speaks against one: never both in one list."""
    told = [(info, one.ratios[info.id]) for info in detectors if info.id in one.ratios]
    closer = [info.describe(ratio) for info, ratio in told if info.speaks_for(ratio)]
    others = [info.describe(ratio) for info, ratio in told if not info.speaks_for(ratio)]
    if not told:
        return "nothing could be compared"
    if not closer:
        return f"nothing speaks for a target: {join_words(others)} than is normal for this model"
    said = f"{join_words(closer)} than is normal for this model"
    return f"{said}; against a target speaks that {join_words(others)}" if others else said


def _describe_mapping(found: UniversalTrigger, unit: str) -> str:
    pairs = ", ".join(f"{a} to {b}" for a, b in enumerate(found.destinations) if b is not None)
    return (
        f"A single trigger of {found.trigger.mask_l1:.1f} {unit} sends each class to a label of its own ({pairs}); "
        f"{found.followers.successes} of {found.followers.trials} unseen samples follow."
    )
