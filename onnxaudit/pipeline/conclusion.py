"""From what the detectors measured to what is said of the model: verdict, labels, triggers, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onnxaudit.detectors.base import Context, Detector
from onnxaudit.detectors.comparison import Role, find_normal
from onnxaudit.detectors.patch import sizes_of
from onnxaudit.findings.interruptions import OUT_OF_TIME, OUT_OF_TIME_ALL_TO_ALL
from onnxaudit.pipeline.course import Course
from onnxaudit.pipeline.label_table import cover, report_trigger, tabulate
from onnxaudit.pipeline.obstacles import list_doubts, list_obstacles, measure_accuracy
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.shortlist import Shortlist
from onnxaudit.pipeline.unseen_success import VERIFYING
from onnxaudit.records import (
    Detection,
    Evidence,
    Floats,
    Inversion,
    LabelStatus,
    Rate,
    Reason,
    Samples,
    UniversalTrigger,
)
from onnxaudit.scoring.label_evidence import WEIGHED, LabelEvidence, weigh
from onnxaudit.scoring.label_mappings import choose_universal
from onnxaudit.scoring.replicates import average
from onnxaudit.scoring.verdict import assess
from onnxaudit.statistics import rate

REFINING = "measuring suspects and controls again"
REPLICATING = "measuring again what is near a limit"
NOTHING = Evidence(detector="")


@dataclass(frozen=True)
class Measurement:
    """What one run comes to.

    Attributes:
        ratios: by detector and label; of detectors that are not `replicated` those of the first run.
        sizes: of the triggers found, pixels, by label.
        success: of these on samples that the run did not search with, by label.
    """

    ratios: Mapping[str, Mapping[int, float]]
    sizes: Mapping[int, float]
    success: Mapping[int, Rate]


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """A course at its end.

    Attributes:
        course: of the detectors; it holds their evidence.
        context: what they looked at.
        shortlist: the labels that were measured.
        first: evidence of screening for patches.
        roles: suspects and controls.
        found: the inversions, by label.
        success: of their triggers on unseen samples, of as many as there was time for.
        refined: whether there was time to measure suspects and controls again.
        replicates: what further runs measured, of a score near a limit.
        replicated: whether there was time for all runs that the score asked for.
    """

    course: Course
    context: Context
    shortlist: Shortlist
    first: Evidence
    roles: Mapping[int, Role]
    found: Mapping[int, Inversion]
    success: Mapping[int, Rate]
    refined: bool
    replicates: tuple[Measurement, ...] = ()
    replicated: bool = True

    def read(self, detector: str) -> Evidence:
        """The evidence of a detector; of one that did not run, that of nothing."""
        return self.course.evidence.get(detector, NOTHING)


def conclude(
    measured: Measured,
    samples: Samples,
    logits: Floats,
    config: DetectionConfig,
    *,
    unit: str,
    class_names: Sequence[str] | None,
    doubts: Sequence[Reason],
) -> Detection:
    """What is said of the model.

    Args:
        measured: by the detectors.
        samples: all of them, those that detectors saw and the others.
        logits: the model's answers to these, `(n, classes)`.
        config: all settings.
        unit: what a mask counts, for the reasons given.
        class_names: by class index, likewise.
        doubts: further reasons why a backdoor may be missed.
    """
    found, roles, classes = measured.found, measured.roles, measured.context.classes
    success = dict(measured.success)
    success |= {label: rate(0, 0) for label in measured.shortlist.labels if label not in success}
    sizes = sizes_of(found[label] for label in roles)
    evidence = _weigh(measured, success, samples, logits, config)
    universal, mapping_odds = _choose_universal(measured, sizes, config)
    runs = measured.course.describe(WEIGHED)
    return Detection(
        assessment=assess(
            evidence,
            (universal, mapping_odds),
            _list_obstacles(measured, samples, logits),
            (*doubts, *_list_doubts(measured, config)),
            config.verdict,
            unit=unit,
            detectors=[run.detector for run in runs],
            class_names=class_names,
        ),
        labels=tabulate(
            measured.first,
            found,
            refined_sizes=sizes,
            evidence=evidence,
            roles=roles,
            success=success,
            classes=classes,
        ),
        triggers=tuple(
            report_trigger(found[label], success[label])
            for label, role in roles.items()
            if role == "suspect" and found[label].status is LabelStatus.SETTLED
        ),
        coverage=cover(found, classes),
        universal=universal if mapping_odds > 0 else None,
        detectors=runs,
    )


def _weigh(
    measured: Measured, success: Mapping[int, Rate], samples: Samples, logits: Floats, config: DetectionConfig
) -> tuple[LabelEvidence, ...]:
    """What speaks for each label, by all runs; `success` is that of the triggers of the first."""
    first = Measurement(measured.course.ratios, sizes_of(measured.found.values()), success)
    weigh_one = partial(
        weigh,
        classes=measured.context.classes,
        config=config.verdict,
        synthetic=samples.synthetic,
        accuracy=measure_accuracy(samples, logits),
    )
    return average([weigh_one(one.ratios, one.sizes, one.success) for one in (first, *measured.replicates)])


def _choose_universal(
    measured: Measured, sizes: Mapping[int, float], config: DetectionConfig
) -> tuple[UniversalTrigger | None, float]:
    """The trigger that moves all classes, if any, and its log-odds; `sizes` are those of refined triggers, pixels."""
    found: tuple[UniversalTrigger, ...] = tuple(measured.read("all-to-all").artifacts.values())
    normal = find_normal(sizes, measured.roles, len(measured.first.distances))
    return choose_universal(found, normal, config.verdict)


def _list_obstacles(measured: Measured, samples: Samples, logits: Floats) -> tuple[Reason, ...]:
    """Why the evidence means little."""
    obstacles = list_obstacles(samples, logits, tuple(measured.found.values()))
    if not measured.refined:
        return (*obstacles, OUT_OF_TIME.give(doing=REFINING))
    if len(measured.success) < len(measured.found):
        return (*obstacles, OUT_OF_TIME.give(doing=VERIFYING))
    if not measured.replicated:
        return (*obstacles, OUT_OF_TIME.give(doing=REPLICATING))
    return obstacles


def _list_doubts(measured: Measured, config: DetectionConfig) -> tuple[Reason, ...]:
    """Why a backdoor may have been missed."""
    context, detectors = measured.context, measured.course.detectors
    should = [one.id for one in detectors if _should_measure(one, context, config)]
    running = {one.id for one in detectors if not config.leaves_out(type(one), context.classes)}
    doubts = list_doubts(
        context.unseen,
        context.classes,
        tuple(measured.found.values()),
        config,
        missing=[name for name in should if not measured.read(name).ratios],
        left_out=sorted(set(WEIGHED) - running),
    )
    if "all-to-all" in measured.course.evidence and not measured.read("all-to-all").complete:
        return (*doubts, OUT_OF_TIME_ALL_TO_ALL.give())
    return doubts


def _should_measure(one: Detector, context: Context, config: DetectionConfig) -> bool:
    """Whether the verdict rests on ratios of this detector: what then has none, for want of time too, is a doubt."""
    if one.id not in WEIGHED or type(one).control or not context.allows(one):
        return False
    if one.stage != "model":
        return True
    compares_labels = one.id != "all-to-all"  # which gives triggers, and is asked for its completeness
    return (
        compares_labels and context.classes >= config.verdict.fewest_classes and one.count_passes(context.classes) > 0
    )
