"""A score near a limit rests on more than one measurement: what speaks loudest is measured again, and means count.

An inversion starts at random and sees one half of the clean images in an order drawn at random: under other seeds the
sizes of a model's triggers differ by some percent, and a score near a limit falls to either side of it. Replicates draw
the halves anew as well, so that all images are searched with, and begin from nothing: a mask that screening made small
by luck would otherwise be in every run.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.patch import sizes_of
from onnxaudit.findings.reasons import find_cause
from onnxaudit.pipeline.conclusion import NOTHING, Measured, Measurement
from onnxaudit.pipeline.course import Course
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.pipeline.shortlist import choose_refined
from onnxaudit.pipeline.units import Units
from onnxaudit.pipeline.unseen_success import verify
from onnxaudit.records import Assessment, Detection, Event, Evidence, Inversion, OnEvent
from onnxaudit.text import join_words

STAGE = "replication"  # under which progress is told
APART = 100_003  # between the seeds of two replicates: refinements take those that follow on one


def is_needed(found: Assessment) -> bool:
    """Whether another measurement may change the verdict: not where no score would decide."""
    causes = [find_cause(one.code) for one in found.caveats]
    return found.near_limit and not any(cause is not None and cause.effect == "no verdict" for cause in causes)


class Replicates:
    """A measurement and those that follow on it.

    Args:
        first: the measurement so far; its course takes up what the others cost.
        config: all settings.
        open_context: the context under a seed, with halves of the samples drawn by that seed.
        units: as of a course.
        on_event: told of progress.
    """

    def __init__(
        self,
        first: Measured,
        config: DetectionConfig,
        open_context: Callable[[int], Context],
        *,
        units: Units | None,
        on_event: OnEvent | None,
    ) -> None:
        self._measured, self._config, self._open, self._units = first, config, open_context, units
        self._on_event = on_event or (lambda _: None)

    def add(self) -> Measured:
        """What was measured with one replicate more; as before, and short of it, where there is no time."""
        known, number = self._measured, len(self._measured.replicates)
        self._on_event(Event(STAGE, number, self._config.replicates, "the score is near a limit"))
        context = replace(self._open(known.context.seed + APART * (number + 1)), on_event=None)
        course = self._run(context)
        found: Mapping[int, Inversion] = course.evidence.get("patch", NOTHING).artifacts
        success = verify(context, found, self._config)
        if len(success) < len(found) or not all(one.complete for one in course.evidence.values()):
            return replace(known, replicated=False)
        for name, one in course.evidence.items():
            known.course.evidence[name] = _charge(known.course.evidence[name], one)
        measurement = Measurement(
            ratios={**known.course.ratios, **course.ratios}, sizes=sizes_of(found.values()), success=success
        )
        self._measured = replace(known, replicates=(*known.replicates, measurement))
        return self._measured

    def _run(self, context: Context) -> Course:
        known = self._measured
        chosen = [one for one in known.course.detectors if type(one).replicated and known.read(one.id).ratios]
        course = Course(chosen, context, self._units)
        course.measure("survey", range(context.classes), range(context.classes))
        course.measure("screening", known.shortlist.labels, known.shortlist.drawn)
        screened, ratios = course.evidence.get("patch", NOTHING), {**known.course.ratios, **course.ratios}
        course.refine(choose_refined(ratios, screened, context.classes, self._config, seed=context.seed))
        return course


def _charge(known: Evidence, again: Evidence) -> Evidence:
    """The evidence that stands, with the cost of a further run."""
    seconds, passes = known.cpu_seconds + again.cpu_seconds, known.passes + again.passes
    return replace(known, cpu_seconds=seconds, passes=passes, runs=known.runs + 1)


def tell(found: Detection, first: Detection) -> Detection:
    """What was found with all measurements, with what the first alone came to."""
    again = [run.detector.id for run in found.detectors if run.runs > 1]
    if not again:
        return found
    runs, score = max(run.runs for run in found.detectors), first.assessment.score
    said = (
        f"One measurement gave a score of {score:.2f}, which is near a limit: {join_words(again)} ran {runs} "
        "times under different seeds, and the means of log-odds count."
    )
    assessment = replace(found.assessment, reasons=(*found.assessment.reasons, said))
    return replace(found, assessment=assessment, first_score=score)
