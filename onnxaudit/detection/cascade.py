"""From a classifier and clean samples to a verdict: a first look at all labels, a closer one, the judgement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from torch import nn

from onnxaudit.data.splits import split
from onnxaudit.deadline import Deadline
from onnxaudit.detection.closer import Role, choose_labels, compactness_of, find_normal, merge, sizes_of
from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detection.looks import Shortlist, Viewer
from onnxaudit.detection.obstacles import list_doubts, list_obstacles
from onnxaudit.detection.tabulating import cover, report_trigger, tabulate
from onnxaudit.detectors.all_to_all import find_universals
from onnxaudit.findings import reasons
from onnxaudit.inversion.forwards import compute_logits, device_of, find_hits, pick_classes
from onnxaudit.inversion.patch import invert
from onnxaudit.records import (
    Detection,
    Event,
    Floats,
    Inversion,
    Look,
    OnEvent,
    Rate,
    Reason,
    Samples,
)
from onnxaudit.scoring.verdict import Evidence, choose_universal, compare, judge, weigh
from onnxaudit.statistics import rate, rate_of
from onnxaudit.workers import Workers, cut

VERIFY_EVERY = 10  # labels between two events, at most
VERIFYING = "triggers tested on samples that inversion did not see"


def detect(
    classifier: nn.Module,
    samples: Samples,
    config: DetectionConfig = DetectionConfig(),
    *,
    features: str | None = None,
    unit: str = "pixels",
    doubts: Sequence[Reason] = (),
    seed: int,
    deadline: Deadline = Deadline(),
    on_event: OnEvent | None = None,
) -> Detection:
    """Look for labels that a backdoor sends images to.

    Half of the samples, stratified by label (else by predicted class), serve inversion; the others check what it finds.

    Args:
        classifier: logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]; in evaluation mode.
        samples: clean images.
        config: all settings.
        features: the inner tensor whose shifts are measured, by its ONNX name; the classifier then has to be an
            `onnxaudit.importer.Classifier`. None: the verdict rests on the other looks.
        unit: what a mask counts, for the reasons given.
        doubts: further reasons why a backdoor may be missed.
        seed: of all randomness.
        deadline: what is not done by then is reported as unfinished, and the verdict is inconclusive.
        on_event: told of progress.
    """
    chunk = config.first.chunk_pixels
    logits = compute_logits(classifier, samples.images, chunk)
    count = logits.shape[1]
    # Which samples are a label's own must not differ between the looks and the check.
    known, unseen = split(_with_classes(samples, logits), seed=seed)
    viewer = Viewer(classifier, known, features, count, config, seed, deadline, on_event)
    shifts = viewer.look_at_features()
    shortlist = viewer.choose_shortlist(shifts)
    first = invert(classifier, known, shortlist.labels, config.first, seed=seed, deadline=deadline, on_event=on_event)
    waves = viewer.look_at_waves(shortlist.labels)
    ratios: dict[str, dict[int, float]] = {
        Look.SHIFT: compare(shifts),
        Look.WAVES: compare(waves, _find_normal(waves, shortlist)),
        Look.TRIGGER: compare(sizes_of(first), _find_normal(sizes_of(first), shortlist)),
        Look.COMPACTNESS: _compare_compactness(first, None, config),
    }
    early = _weigh_first(first, ratios, count, config)
    roles = choose_labels(early, config, seed=seed)
    found = _look_closer(classifier, known, first, tuple(roles), config, seed, deadline, on_event)
    _tell(on_event, Event("universal", 0, 0, "looking for a trigger that moves all classes"))
    universals = find_universals(classifier, known, unseen, config.universal, seed=seed, deadline=deadline)
    success = _verify(classifier, unseen, found, chunk, on_event)
    sizes = sizes_of(found[label] for label in roles)
    normal = find_normal(sizes, roles, len(sizes_of(first)))
    ratios[Look.TRIGGER] |= compare(sizes, normal)
    ratios[Look.COMPACTNESS] = _compare_compactness(found.values(), roles, config)
    evidence = weigh(ratios, sizes_of(found.values()), success, count, config.judgement, synthetic=samples.synthetic)
    universal, mapping_odds = choose_universal(universals, normal, config.judgement)
    missing = [look for look in Look if look in _expected(features) and not ratios.get(look)]
    obstacles = list_obstacles(samples, logits, tuple(found.values()))
    own = list_doubts(unseen, count, tuple(found.values()), config, missing)
    if not universals and deadline.passed:
        own += (reasons.OUT_OF_TIME_ALL_TO_ALL.give(),)
    return Detection(
        judgement=judge(evidence, (universal, mapping_odds), obstacles, (*doubts, *own), config.judgement, unit),
        labels=tabulate(first, found, sizes, evidence, roles, success, count),
        triggers=tuple(
            report_trigger(found[label], success[label]) for label, role in roles.items() if role == "suspect"
        ),
        coverage=cover(found, count),
        universal=universal if mapping_odds > 0 else None,
    )


def _look_closer(
    classifier: nn.Module,
    samples: Samples,
    first: Sequence[Inversion],
    labels: Sequence[int],
    config: DetectionConfig,
    seed: int,
    deadline: Deadline,
    on_event: OnEvent | None,
) -> dict[int, Inversion]:
    """All looks as one, by label."""
    relay = None if on_event is None else _relay_as_closer(on_event)
    found = {one.label: one for one in first}
    for run in range(1, config.closer_runs + 1):
        again = invert(classifier, samples, labels, config.closer, seed=seed + run, deadline=deadline, on_event=relay)
        found = merge(found, again)
    return found


def _expected(features: str | None) -> set[Look]:
    return set(Look) if features is not None else set(Look) - {Look.SHIFT}


def _weigh_first(
    first: Sequence[Inversion], ratios: Mapping[str, Mapping[int, float]], classes: int, config: DetectionConfig
) -> tuple[Evidence, ...]:
    """Evidence before the closer look, by which its suspects are chosen; nobody knows yet which triggers carry over."""
    granted = dict.fromkeys((one.label for one in first), rate(1, 1))
    return weigh(ratios, sizes_of(first), granted, classes, config.judgement)


def _compare_compactness(
    found: Iterable[Inversion], roles: Mapping[int, Role] | None, config: DetectionConfig
) -> dict[int, float]:
    """How many times more compact masks are than this model's and than natural ones; by default of all its labels."""
    shares = compactness_of(found)
    if not shares:
        return {}
    normal = median(shares.values()) if roles is None else find_normal(shares, roles, len(shares))
    return {label: share / max(normal or 0.0, config.judgement.natural_compactness) for label, share in shares.items()}


def _find_normal(distances: Mapping[int, float], shortlist: Shortlist) -> float | None:
    """The median of the labels that were chosen without looking."""
    drawn = [distance for label, distance in distances.items() if label in shortlist.drawn]
    return median(drawn) if drawn else None


def _tell(on_event: OnEvent | None, event: Event) -> None:
    if on_event is not None:
        on_event(event)


def _with_classes(samples: Samples, logits: Floats) -> Samples:
    return samples if samples.labels is not None else replace(samples, labels=pick_classes(logits))


def _relay_as_closer(on_event: OnEvent) -> OnEvent:
    def relay(event: Event) -> None:
        on_event(replace(event, stage="closer"))

    return relay


def _verify(
    classifier: nn.Module, unseen: Samples, found: Mapping[int, Inversion], chunk: int, on_event: OnEvent | None
) -> dict[int, Rate]:
    """Success of each label's trigger on the unseen samples of other classes."""

    def verify(label: int) -> Rate:
        others = unseen.images[unseen.labels != label]
        return rate_of(find_hits(classifier, others, found[label].trigger, label, chunk))

    success = dict[int, Rate]()
    with Workers(device_of(classifier)) as workers:
        for part in cut(list(found), VERIFY_EVERY):
            success |= zip(part, workers.map(verify, part), strict=True)
            _tell(on_event, Event("verify", len(success), len(found), VERIFYING))
    return success
