"""From what all detectors measured to a verdict.

A detector gives a label `k` a ratio `r_k` that is above one where it looks like a target: how many times closer than is
normal for this model it is. Of `ln r`, term by term (`closeness` has the forms):

    log-odds_k = b − ln max(N, 10) + w_p · limit(patch + latent-inversion) + w_g · gap(patch)
                 + w_m · compactness with size + w_x · z(exact-shift)
                 + w_n · beyond what is natural(spectral, photometric, warp)
    score = 1 / (1 + exp(−max_k log-odds_k))

`patch` is the ratio of sizes to what surrogates expect of them by nature (`detectors.surrogate`, `take_off_nature`): a
class that is near in every network which learned these images has to have a smaller trigger still. That opens a verdict
or speaks for a backdoor, and clears no model: what surrogates take off counts down to the limit of *clean* alone.
Patch and latent inversion count together: naturally weak classes have small triggers, strongly trained ones short
latent changes; the target of a patch has both. In a clean model several classes are weak; a target is alone: its gap
to them counts beside its size. Compactness counts only with a small trigger: alone it opened clean
models. The exact shift sees targets of any kind of trigger, and carries over to attacks that no constant was fitted on
better than any other evidence. Each other detector sees one kind of trigger, of which a table has few models: sinusoids
(SIG), photo filters, warps (WaNet). What they show counts as far as it exceeds what a class of a clean model does by
nature, in one unit for all, so that the weight is learned from all kinds together.
Networks that do not end in an affine layer have no exact shift; the terms are then `w_p · limit(patch +
latent-inversion) + w_m · max(0, compactness) + w_s · limit(spectral)`. Evidence of other detectors is told and weighs
nothing.

With fewer than ten classes nothing separates clean models from backdoored ones reliably: a class that stands out among
so few is common. Such a model is never called clean (`few-classes`), and called backdoored only where patch and
compactness say more than they did of any clean one that was measured.

Only what is closer than normal counts. Among `N` labels the closest is the closer the more there are, hence `ln N`;
with fewer than ten, what is normal is the less certain the fewer there are. The constants were fitted by
`tools/calibrate.py` on well trained models, by logistic regression with a prior of one half.

A backdoor that moves every label to another one has no target; it shows in a trigger that moves all classes apart (see
`detectors.all_to_all`). It is weighed by how many times smaller this is than is normal for single labels. One that
moves some source classes alone shows in none of the terms; it has log-odds of its own, by how many times smaller than
is normal a trigger leads there from a single class (`detectors.source_specific`), and the larger of both counts.

A score above 1/2 is called backdoored, one below `clean_below` clean; between them the verdict stays open. Where a
model is not known to be well trained, log-odds below `convincing` count as 0 at most: it has classes that are near by
nature.
Inner features alone are never enough either: some change of the image has to speak for the label too.
A trigger that fails on unseen samples was fitted to those it was made on: its size and shape prove nothing, they only
leave the verdict open.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from onnxaudit.records import Rate
from onnxaudit.scoring.closeness import (
    NATURAL_LEADS,
    Values,
    count_with_size,
    exceed_natural,
    limit,
    measure_gap,
    score_z,
    take_log,
    take_off_nature,
)
from onnxaudit.scoring.label_mappings import carries_over, weigh_sources
from onnxaudit.scoring.settings import VerdictConfig, Weights

WEIGHED = (  # detectors; others decide nothing
    *("patch", "compactness", "latent-inversion", "exact-shift"),
    *("spectral", "photometric", "warp", "source-specific", "all-to-all", "surrogate"),
)
CONTROL = "surrogate"
OF_MASKS = ("patch", "patch-gap", "compactness")  # not deserved by a trigger without success on unseen samples


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
        added: log-odds that evidence adds to what a label without any has.
        convincing: log-odds from which on it speaks for a backdoor: what is less counts as 0 at most.
        withheld: log-odds that do not count for that reason.
        compact: the term of compactness before its weight.
    """

    label: int
    ratios: Mapping[str, float]
    log_odds: float
    size: float | None
    success: Rate
    held_down: bool = False
    shown: bool = True
    added: float = math.inf
    convincing: float = 0.0
    withheld: float = 0.0
    compact: float = 0.0


def weigh(
    ratios: Mapping[str, Mapping[int, float]],
    sizes: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: VerdictConfig,
    *,
    synthetic: bool = False,
    accuracy: float | None = None,
) -> tuple[LabelEvidence, ...]:
    """LabelEvidence for every label in `success`, the strongest first.

    Args:
        ratios: by detector and label.
        sizes: of the triggers found, pixels, by label.
        success: of the triggers on unseen samples, by label.
        classes: `N`.
        config: weights and limits.
        synthetic: whether all this was measured without clean images.
        accuracy: on clean images, in [0, 1]; None where it is not known.

    Returns:
        What surrogates take off never makes a label one of a clean model: that is left to what was found on the model.
    """
    count = partial(_weigh, sizes=sizes, success=success, classes=classes, config=config, synthetic=synthetic)
    found = count(ratios, accuracy=accuracy)
    if not ratios.get(CONTROL):
        return found
    without = count({name: values for name, values in ratios.items() if name != CONTROL}, accuracy=accuracy)
    least = {one.label: min(one.log_odds, config.least_open) for one in without}
    return sort(replace(one, log_odds=max(one.log_odds, least[one.label])) for one in found)


def sort(evidence: Iterable[LabelEvidence]) -> tuple[LabelEvidence, ...]:
    """The strongest first."""
    return tuple(sorted(evidence, key=lambda one: (-one.log_odds, -one.added, one.label)))


def _weigh(
    ratios: Mapping[str, Mapping[int, float]],
    sizes: Mapping[int, float],
    success: Mapping[int, Rate],
    classes: int,
    config: VerdictConfig,
    *,
    synthetic: bool,
    accuracy: float | None,
) -> tuple[LabelEvidence, ...]:
    """The same by the ratios alone."""
    labels = tuple(sorted({*success, *(label for values in ratios.values() for label in values)}))
    few, exact = classes < config.fewest_classes, bool(ratios.get("exact-shift"))
    closeness = measure_closeness(ratios, labels, exact=exact or few)
    alone = measure_closeness({**ratios, "latent-inversion": {}}, labels, exact=exact or few)["patch"]
    weights = choose_weights(classes, config, exact=exact)
    start = weights.offset - math.log(max(classes, config.fewest_compared))
    discount = config.synthetic_discount if synthetic else 0.0
    start -= discount
    trained = synthetic or (accuracy or 0.0) >= config.well_trained
    least = choose_least(classes, config, well_trained=trained, exact=exact)

    of_sources = ratios.get("source-specific", {})
    nearer = np.array([of_sources.get(label, np.nan) for label in labels])
    sources = weigh_sources(nearer, classes, config) - discount

    def weigh_one(place: int) -> LabelEvidence:
        label = labels[place]
        parts = {name: weigh_term(name, weights) * float(values[place]) for name, values in closeness.items()}
        odds = held = start + sum(parts.values())
        if not carries_over(success[label], config):
            held = max(min(odds, 0.0), odds - sum(parts.get(name, 0.0) for name in OF_MASKS))
        inner = parts.get("exact-shift", 0.0) + parts["patch"] - weights.patch * float(alone[place])
        inner += parts.get("patch-gap", 0.0)  # beside a trigger that is hardly smaller than usual it shows nothing
        shown = few or not exact or odds - start - inner >= config.least_shown
        if not shown:
            held = min(held, 0.0)
        held_down = held <= 0.0 < odds
        held, odds = max(held, float(sources[place])), max(odds, float(sources[place]))
        counted = count_convincing(held, least)
        mine = {name: values[label] for name, values in ratios.items() if label in values}
        return LabelEvidence(
            label,
            mine,
            counted,
            sizes.get(label),
            success[label],
            held_down=held_down,
            shown=shown,
            added=odds - start,
            convincing=least,
            withheld=held - counted,
            compact=float(closeness["compactness"][place]),
        )

    return sort(weigh_one(place) for place, label in enumerate(labels) if label in success)


def choose_weights(classes: int, config: VerdictConfig, *, exact: bool) -> Weights:
    """Those of models with so many classes, with exact shifts or without."""
    if classes < config.fewest_classes:
        return config.weights_of_few_classes
    return config.weights if exact else config.weights_without_exact_shift


def choose_least(classes: int, config: VerdictConfig, *, well_trained: bool, exact: bool = True) -> float:
    """The log-odds from which on a label speaks for a backdoor; badly trained models have labels near by nature."""
    if classes < config.fewest_classes:
        return config.convincing_among_few
    if well_trained:
        return 0.0
    return config.convincing if exact else config.convincing_without_exact_shift


def count_convincing(log_odds: float, convincing: float) -> float:
    """Log-odds as they count: what convinces nobody is 0 at most."""
    return log_odds if log_odds >= convincing else min(log_odds, 0.0)


def weigh_term(name: str, weights: Weights) -> float:
    """The weight of a term by its name."""
    weight: float = getattr(weights, name.replace("-", "_"))
    return weight


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
    sizes = take_off_nature(sizes, take(CONTROL))
    return {
        "patch": limit(sizes + np.nan_to_num(take("latent-inversion"))),
        "patch-gap": measure_gap(sizes),
        "compactness": count_with_size(take("compactness"), sizes),
        "exact-shift": score_z(take("exact-shift")),
        "beyond-natural": exceed_natural({name: take(name) for name in NATURAL_LEADS}),
    }
