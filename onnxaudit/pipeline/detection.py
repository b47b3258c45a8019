"""From a classifier and clean samples to a verdict: survey, shortlist, screening, refinement, scoring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from torch import nn

from onnxaudit.data.splits import draw_validation
from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context
from onnxaudit.findings.interruptions import OUT_OF_TIME, UNFINISHED
from onnxaudit.inversion.forwards import compute_logits, pick_classes
from onnxaudit.inversion.readings import Readings
from onnxaudit.pipeline.conclusion import NOTHING, Measured, conclude
from onnxaudit.pipeline.course import Course
from onnxaudit.pipeline.label_table import cover, leave_untested, tabulate
from onnxaudit.pipeline.replication import Replicates, is_needed, tell
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.shortlist import Shortlist, choose_refined, list_all, shorten
from onnxaudit.pipeline.units import Units
from onnxaudit.pipeline.unseen_success import verify
from onnxaudit.records import (
    Assessment,
    Coverage,
    Detection,
    Evidence,
    Floats,
    Inversion,
    OnEvent,
    Reason,
    Samples,
    Verdict,
)
from onnxaudit.scoring.label_evidence import WEIGHED, weigh
from onnxaudit.statistics import rate

UNKNOWN = 0.5  # the score of a model of which nothing is known


def detect(
    classifier: nn.Module,
    samples: Samples,
    config: DetectionConfig = DetectionConfig(),
    *,
    features: str | None = None,
    head: str | None = None,
    unit: str = "pixels",
    class_names: Sequence[str] | None = None,
    doubts: Sequence[Reason] = (),
    readings: Readings | None = None,
    seed: int,
    deadline: Deadline = Deadline(),
    on_event: OnEvent | None = None,
    on_found: Callable[[Detection], None] | None = None,
    units: Units | None = None,
) -> Detection:
    """Look for labels that a backdoor sends images to.

    Half of the samples, stratified by label (else by predicted class), serve the detectors; the others check what they
    find.

    Args:
        classifier: logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]; in evaluation mode.
        samples: clean images.
        config: all settings.
        features: the inner tensor for latent inversion, by its ONNX name; the classifier then has to be an
            `onnxaudit.importer.Classifier`. None: the verdict rests on the other detectors.
        head: the tensor behind which the network is affine, by its ONNX name, for exact shifts; likewise.
        unit: what a mask counts, for the reasons given.
        class_names: names by class index, likewise; None where the data gives none.
        doubts: further reasons why a backdoor may be missed.
        readings: what the classifier answers on the samples, where that is known.
        seed: of all randomness.
        deadline: what is not done by then is reported as unfinished, and the verdict is inconclusive.
        on_event: told of progress.
        on_found: told what screening found, as soon as it is there, should the rest never come to its end.
        units: what was finished before is taken from there, and what is finished now is kept there.

    Raises:
        UsageError: a detector that is asked for does not exist.
        PluginError: one of another package cannot be loaded, or fails.
        OutOfTimeError: the classifier's own deadline passed before it had answered to all samples.
    """
    detectors = config.make_detectors()
    if readings is None:
        readings = Readings(logits=compute_logits(classifier, samples.images, config.chunk_pixels))
    logits = readings.logits
    # Which samples are a label's own must not differ between the detectors and the check.
    labeled = _with_classes(samples, logits)
    whole = Context(
        classifier=classifier,
        known=labeled,
        unseen=labeled,
        of_known=readings,
        of_unseen=readings,
        features=features,
        head=head,
        classes=logits.shape[1],
        seed=seed,
        deadline=deadline,
        on_event=on_event,
    )
    context = _halve(whole, seed)
    # Without a patch nobody is suspected: detectors that wait for suspects would measure nothing.
    late = config.late if any(one.id == "patch" for one in detectors) else ()
    course = Course(detectors, context, units, late=late)
    measured = _measure(course, context, config, on_found)
    give = partial(
        conclude, samples=samples, logits=logits, config=config, unit=unit, class_names=class_names, doubts=doubts
    )
    found = first = give(measured)
    replicates = Replicates(measured, config, partial(_halve, whole), units=units, on_event=on_event)
    for _ in range(config.replicates):
        if not is_needed(found.assessment):
            break
        found = tell(give(replicates.add()), first)
    return found


def _halve(whole: Context, seed: int) -> Context:
    """The context in which half of the samples, drawn by a seed, are known."""
    checking = draw_validation(whole.known, seed=seed)
    assert whole.of_known is not None
    return replace(
        whole,
        known=whole.known.take(~checking),
        unseen=whole.known.take(checking),
        of_known=whole.of_known.take(~checking),
        of_unseen=whole.of_known.take(checking),
        seed=seed,
    )


def begin_detection(classes: int, doing: str | None = None) -> Detection:
    """What is known before anything was measured; `doing` is what was done when the time was up, where it is."""
    untested = UNFINISHED.give(unfinished=classes, labels=classes)
    caveats = (untested,) if doing is None else (OUT_OF_TIME.give(doing=doing), untested)
    rows = () if doing is None else tuple(map(leave_untested, range(classes)))
    return Detection(
        assessment=Assessment(Verdict.INCONCLUSIVE, UNKNOWN, (), tuple(one.seen for one in caveats), caveats),
        labels=rows,
        triggers=(),
        coverage=Coverage(classes, 0, {row.label: row.reason for row in rows}),
    )


def _measure(
    course: Course, context: Context, config: DetectionConfig, on_found: Callable[[Detection], None] | None
) -> Measured:
    """All stages of a course in their order, and the check of the triggers found."""
    shortlist = _survey(course, context, config)
    course.advance({"screening": shortlist.labels, "model": range(context.classes)}, shortlist.drawn)
    course.measure("screening", shortlist.labels, shortlist.drawn)
    first = course.evidence.get("patch", NOTHING)
    if on_found is not None:
        on_found(_report_screening(course, first, context, config))
    roles = choose_refined(course.ratios, first, context.classes, config, seed=context.seed)
    interrupted = len(course.interrupted)
    course.refine(roles)
    refined = len(course.interrupted) == interrupted
    course.measure("model", range(context.classes), shortlist.drawn)
    found: Mapping[int, Inversion] = course.evidence.get("patch", NOTHING).artifacts
    return Measured(
        course=course,
        context=context,
        shortlist=shortlist,
        first=first,
        roles=roles,
        found=found,
        success=verify(context, found, config),
        refined=refined,
    )


def _report_screening(course: Course, first: Evidence, context: Context, config: DetectionConfig) -> Detection:
    """What is known once labels were screened, and none was refined or checked."""
    granted, unchecked = dict.fromkeys(first.artifacts, rate(1, 1)), dict.fromkeys(first.artifacts, rate(0, 0))
    evidence = weigh(course.ratios, first.distances, granted, context.classes, config.verdict)
    rows = tabulate(
        first,
        first.artifacts,
        refined_sizes={},
        evidence=evidence,
        roles={},
        success=unchecked,
        classes=context.classes,
    )
    return replace(
        begin_detection(context.classes),
        labels=rows,
        coverage=cover(first.artifacts, context.classes),
        detectors=course.describe(WEIGHED),
    )


def _survey(course: Course, context: Context, config: DetectionConfig) -> Shortlist:
    """Everyone, or among very many labels those that a detector of all classes finds near, and some drawn."""
    everyone = list_all(context.classes)
    surveyed = course.measure("survey", everyone.labels, everyone.drawn)
    if context.classes <= config.most_labels:
        return everyone
    surveyed += course.measure("shortlist", everyone.labels, everyone.drawn)
    return shorten([found.distances for found in surveyed], config, context.classes, seed=context.seed)


def _with_classes(samples: Samples, logits: Floats) -> Samples:
    return samples if samples.labels is not None else replace(samples, labels=pick_classes(logits))
