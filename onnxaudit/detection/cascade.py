"""From a classifier and clean samples to a verdict: a first look at all labels, a closer one, the judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from torch import nn

from onnxaudit.data.splits import split
from onnxaudit.deadline import Deadline
from onnxaudit.detection.closer import Role, choose_labels, count_represented, merge, sizes_of
from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detection.forwards import compute_logits, find_hits, pick_classes
from onnxaudit.detection.inversion import invert
from onnxaudit.detection.judgement import judge, weigh
from onnxaudit.detection.latent import measure_shifts
from onnxaudit.detection.obstacles import explain, list_doubts, list_obstacles
from onnxaudit.detection.outliers import anomaly_indexes, log_indexes
from onnxaudit.importer import Classifier
from onnxaudit.records import (
    Coverage,
    Detection,
    Event,
    Floats,
    Inversion,
    LabelResult,
    LabelStatus,
    OnEvent,
    Rate,
    Samples,
    TriggerFinding,
)
from onnxaudit.statistics import rate_of

VERIFY_EVERY = 10  # labels between two events


def detect(
    classifier: nn.Module,
    samples: Samples,
    config: DetectionConfig = DetectionConfig(),
    *,
    features: str | None = None,
    unit: str = "pixels",
    doubts: Sequence[str] = (),
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
            `onnxaudit.importer.Classifier`. None: the verdict rests on triggers alone.
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
    first = invert(classifier, known, range(count), config.first, seed=seed, deadline=deadline, on_event=on_event)
    shifts = _measure_shifts(classifier, known, features, config, seed, deadline)
    roles = choose_labels(first, shifts, config, seed=seed)
    relay = None if on_event is None else _relay_as_closer(on_event)
    closer = invert(classifier, known, tuple(roles), config.closer, seed=seed + 1, deadline=deadline, on_event=relay)
    found = merge(first, closer)
    success = _verify(classifier, unseen, found, chunk, on_event)
    sizes = sizes_of(found[label] for label in roles)
    represented = count_represented(roles, len(sizes_of(first)))
    evidence = weigh(sizes, shifts, represented, success, count, config)
    obstacles = list_obstacles(samples, logits, tuple(found.values()), config)
    own = list_doubts(samples, tuple(found.values()), config, shifts_missing=features is not None and not shifts)
    return Detection(
        judgement=judge(evidence, obstacles, (*doubts, *own), config, unit),
        labels=_tabulate(first, found, sizes, shifts, roles, success),
        triggers=tuple(_report(found[label], success[label]) for label, role in roles.items() if role == "suspect"),
        coverage=_cover(found),
    )


def _measure_shifts(
    classifier: nn.Module,
    samples: Samples,
    features: str | None,
    config: DetectionConfig,
    seed: int,
    deadline: Deadline,
) -> dict[int, float]:
    """Latent shifts of every label, or none at all: labels without one could not be compared."""
    if features is None:
        return {}
    assert isinstance(classifier, Classifier)
    shifts = measure_shifts(classifier, samples, features, config.latent, seed=seed, deadline=deadline)
    if not shifts:
        return {}
    farthest = max(shifts.values())
    return {label: shifts.get(label, farthest) for label in range(classifier.model.info.output.classes)}


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
    success = {}
    for done, (label, one) in enumerate(found.items(), start=1):
        others = unseen.images[unseen.labels != label]
        success[label] = rate_of(find_hits(classifier, others, one.trigger, label, chunk))
        if on_event is not None and (done % VERIFY_EVERY == 0 or done == len(found)):
            on_event(Event("verify", done, len(found), "triggers tested on samples that inversion did not see"))
    return success


def _tabulate(
    first: Sequence[Inversion],
    found: Mapping[int, Inversion],
    closer_sizes: Mapping[int, float],
    shifts: Mapping[int, float],
    roles: Mapping[int, Role],
    success: Mapping[int, Rate],
) -> tuple[LabelResult, ...]:
    sizes = sizes_of(first)
    firsts = [sizes.get(one.label) for one in first]
    raw, logs = anomaly_indexes(firsts), log_indexes(firsts)
    closer = dict(zip(closer_sizes, log_indexes(list(closer_sizes.values())), strict=True))
    return tuple(
        LabelResult(
            label=one.label,
            status=one.status,
            mask_l1=one.trigger.mask_l1 if one.status is LabelStatus.SETTLED else None,
            success_rate=success[one.label],
            anomaly_index=raw[row],
            log_index=logs[row],
            closer_index=closer.get(one.label),
            latent_ratio=median(shifts.values()) / shifts[one.label] if shifts else None,
            role=roles.get(one.label),
            passes=one.passes,
            reason=explain(one),
        )
        for row, one in enumerate(found[other.label] for other in first)
    )


def _report(one: Inversion, success: Rate) -> TriggerFinding:
    return TriggerFinding(one.label, one.trigger, one.trigger.digest, one.trigger.mask_l1, success)


def _cover(found: Mapping[int, Inversion]) -> Coverage:
    finished = [one for one in found.values() if one.status is not LabelStatus.UNFINISHED]
    reasons = {one.label: explain(one) for one in found.values() if one.status is LabelStatus.UNFINISHED}
    return Coverage(labels_asked=len(found), labels_finished=len(finished), reasons=reasons)
