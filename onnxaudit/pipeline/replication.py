"""A score near a limit rests on more than one measurement: what speaks loudest is measured again, and means count.

An inversion starts at random and sees one half of the clean images in an order drawn at random: under other seeds the
sizes of a model's triggers differ by some percent, and a score near a limit falls to either side of it. Replicates draw
the halves anew as well, so that all images are searched with. Equal labels get equal effort, those that were refined
as before.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import geometric_mean

from onnxaudit.detectors.base import Context
from onnxaudit.findings.reasons import find_cause
from onnxaudit.pipeline.conclusion import NOTHING, Measured
from onnxaudit.pipeline.course import Course
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.units import Units
from onnxaudit.pipeline.unseen_success import verify
from onnxaudit.records import Assessment, Detection, Event, Evidence, Inversion, OnEvent, Rate
from onnxaudit.scoring.settings import VerdictConfig
from onnxaudit.statistics import rate
from onnxaudit.text import join_words

STAGE = "replication"  # under which progress is told
APART = 100_003  # between the seeds of two replicates: refinements take those that follow on one


def is_near_a_limit(found: Assessment, config: VerdictConfig) -> bool:
    """Whether the log-odds of a score lie within `near` of those from which on a model is called backdoored, or clean.

    Not where no score would decide.
    """
    causes = [find_cause(one.code) for one in found.caveats]
    if any(cause is not None and cause.effect == "no verdict" for cause in causes):
        return False
    limits = (0.5, config.clean_below)
    return any(abs(_take_log_odds(found.score) - _take_log_odds(limit)) < config.near for limit in limits)


def replicate(
    first: Measured,
    config: DetectionConfig,
    open_context: Callable[[int], Context],
    *,
    units: Units | None,
    on_event: OnEvent | None,
) -> Measured:
    """The same with what `replicated` detectors measure in further runs.

    Screening stands; suspects and controls are refined anew, and inner features changed on other samples.

    Args:
        first: the measurement so far.
        config: all settings.
        open_context: the context under a seed, with halves of the samples drawn by that seed.
        units: as of a course.
        on_event: told of progress.
    """
    runs, success = [dict(first.course.evidence)], [first.success]
    for number in range(1, config.replicates + 1):
        if on_event is not None:
            on_event(Event(STAGE, number - 1, config.replicates, "the score is near a limit"))
        context = replace(open_context(first.context.seed + APART * number), on_event=None)
        evidence = _measure_again(first, context, units)
        new = _list_new(first.first, evidence.get("patch", NOTHING))
        success.append(verify(context, new, config))
        if len(success[-1]) < len(new) or not all(one.complete for one in evidence.values()):
            return replace(first, replicated=False)
        runs.append(evidence)
    for name in runs[0]:
        first.course.evidence[name] = average([run[name] for run in runs if name in run])
    return replace(first, pooled=pool(success))


def _measure_again(first: Measured, context: Context, units: Units | None) -> dict[str, Evidence]:
    chosen = [one for one in first.course.detectors if type(one).replicated and first.read(one.id).ratios]
    course = Course(chosen, context, units)
    course.measure("survey", range(context.classes), range(context.classes))
    course.evidence["patch"] = first.first
    course.refine(first.roles)
    patch = course.evidence["patch"]
    seconds = patch.cpu_seconds - first.first.cpu_seconds
    course.evidence["patch"] = replace(patch, passes=patch.passes - first.first.passes, cpu_seconds=seconds)
    return course.evidence


def _list_new(screened: Evidence, refined: Evidence) -> dict[int, Inversion]:
    """Triggers of a replicate that it found itself: what screening found has seen samples that are unseen here."""
    return {
        label: one
        for label, one in refined.artifacts.items()
        if one.trigger.digest != screened.artifacts[label].trigger.digest
    }


def tell(found: Detection, first: Detection) -> Detection:
    """What was found with all measurements, with what the first alone came to."""
    again = [run.detector.id for run in found.detectors if run.runs > 1]
    if not again:
        return found
    runs, score = max(run.runs for run in found.detectors), first.assessment.score
    said = (
        f"One measurement gave a score of {score:.2f}, which is near a limit: {join_words(again)} ran {runs} "
        "times under different seeds, and means count."
    )
    assessment = replace(found.assessment, reasons=(*found.assessment.reasons, said))
    return replace(found, assessment=assessment, first_score=score)


def average(found: Sequence[Evidence]) -> Evidence:
    """One detector's evidence of several runs: means of ratios, artifacts of the first, passes and time of all."""
    return replace(
        found[0],
        distances=_average_by_label([one.distances for one in found]),
        ratios=_average_by_label([one.ratios for one in found]),
        passes=sum(one.passes for one in found),
        cpu_seconds=sum(one.cpu_seconds for one in found),
        runs=len(found),
    )


def pool(success: Sequence[Mapping[int, Rate]]) -> dict[int, Rate]:
    """Success on unseen samples by label, of the triggers of all runs."""
    labels = dict.fromkeys(label for one in success for label in one)
    found = {label: [one[label] for one in success if label in one] for label in labels}
    return {
        label: rate(sum(one.successes for one in mine), sum(one.trials for one in mine))
        for label, mine in found.items()
    }


def _average_by_label(values: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Geometric means of positive numbers, each over the runs that have one; a single run's stay what they are."""
    if len(values) == 1:
        return dict(values[0])
    labels = sorted({label for one in values for label in one})
    found = {label: [max(one[label], math.ulp(1.0)) for one in values if label in one] for label in labels}
    return {label: geometric_mean(mine) for label, mine in found.items()}


def _take_log_odds(score: float) -> float:
    return math.log(score / (1 - score)) if 0 < score < 1 else math.copysign(math.inf, score - 0.5)
