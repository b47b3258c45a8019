"""One run of all detectors: each is given what those before it found, and its evidence is checked and kept."""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from onnxaudit.detectors.base import Context, Detector, Refining, Stage
from onnxaudit.detectors.comparison import Role, compare, find_lead, find_median, find_normal
from onnxaudit.detectors.registry import describe, describe_detector, is_own
from onnxaudit.errors import OnnxauditError, OutOfTimeError, PluginError
from onnxaudit.pipeline.units import Units
from onnxaudit.records import DetectorRun, Evidence

REFINEMENT = "refinement"  # the stage under which detectors that refine tell their progress


class Course:
    """The evidence so far.

    Attributes:
        detectors: those that run, in their order.
        evidence: by detector.
        interrupted: detectors that ran out of time within a step; what they measured counts for nothing.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        context: Context,
        units: Units | None = None,
        *,
        late: Collection[str] = (),
    ) -> None:
        """Nothing has been measured yet.

        Args:
            detectors: those that run, in their order.
            context: what they may look at.
            units: those that were finished before, of onnxaudit's own detectors.
            late: ids of detectors that measure suspects and controls alone.
        """
        self.detectors, self._context = tuple(detectors), context
        self._units = units if all(is_own(type(one)) for one in detectors) else None
        self._stages: dict[str, Stage] = {
            one.id: "refinement" if one.id in late else one.stage for one in self.detectors
        }
        self.evidence: dict[str, Evidence] = {}
        self.interrupted: list[str] = []

    @property
    def ratios(self) -> dict[str, Mapping[int, float]]:
        """How many times closer than is normal each label is, by detector."""
        return {name: found.ratios for name, found in self.evidence.items()}

    def measure(self, stage: Stage, labels: Sequence[int], drawn: Collection[int]) -> list[Evidence]:
        """Run the detectors of a stage; the labels `drawn` show what is normal."""
        context = replace(self._context, drawn=frozenset(drawn))
        return [
            self._keep(detector, detector.measure, replace(context, stage=detector.id), labels)
            for detector in self.detectors
            if self._stages[detector.id] == stage
        ]

    def refine(self, roles: Mapping[int, Role]) -> None:
        """Refine suspects and controls, then run the detectors that measure these alone."""
        context, labels = replace(self._context, roles=roles), tuple(roles)
        for detector in self.detectors:
            if isinstance(detector, Refining):
                self._keep(detector, detector.refine, replace(context, stage=REFINEMENT), labels)
        for detector in self.detectors:
            if self._stages[detector.id] == "refinement" and labels:
                self._keep(detector, detector.measure, replace(context, stage=detector.id), labels)

    def describe(self, weighed: Collection[str]) -> tuple[DetectorRun, ...]:
        """What ran, for the report; the score weighs the evidence of `weighed`."""
        return tuple(
            DetectorRun(
                detector=describe_detector(type(one), weighed=one.id in weighed),
                labels=len(found.ratios),
                complete=found.complete,
                passes=found.passes,
                cpu_seconds=round(found.cpu_seconds, 3),
                lead=find_lead(found.ratios),
            )
            for one in self.detectors
            if (found := self.evidence.get(one.id)) is not None
        )

    def _keep(
        self,
        detector: Detector,
        measure: Callable[[Context, Sequence[int]], Evidence],
        context: Context,
        labels: Sequence[int],
    ) -> Evidence:
        if context.allows(detector) and detector.words.progress and context.stage == detector.id:
            context.tell("")
        before, start = self.evidence.get(detector.id), time.process_time()
        try:
            found = self._measure(detector, measure, replace(context, earlier=dict(self.evidence)), labels)
        except OutOfTimeError:
            self.interrupted.append(detector.id)
            found = replace(before or Evidence(detector=detector.id), complete=False)
        seconds = time.process_time() - start + (before.cpu_seconds if before else 0.0)
        if found.distances and not found.ratios:
            found = replace(found, ratios=self._compare(found.distances, context))
        self.evidence[detector.id] = replace(found, cpu_seconds=seconds)
        return self.evidence[detector.id]

    def _measure(
        self,
        detector: Detector,
        measure: Callable[[Context, Sequence[int]], Evidence],
        context: Context,
        labels: Sequence[int],
    ) -> Evidence:
        """The evidence of a unit: what was kept, else what is measured now, which is kept once it is complete."""
        if self._units is None or not detector.words.progress:  # what takes no time is no unit
            return _run(detector, measure, context, labels)
        key = self._units.name(detector, context, labels)
        kept = self._units.find(key, detector, context)
        if kept is not None:
            return kept
        found = _run(detector, measure, context, labels)
        if found.complete and not context.deadline.passed:
            self._units.keep(key, found)
        return found

    def _compare(self, distances: Mapping[int, float], context: Context) -> dict[int, float]:
        if not context.roles:
            return compare(distances, find_median(distances, context.drawn))
        return compare(distances, find_normal(distances, context.roles, len(self.evidence["patch"].ratios)))


def _run(
    detector: Detector,
    measure: Callable[[Context, Sequence[int]], Evidence],
    context: Context,
    labels: Sequence[int],
) -> Evidence:
    """What a detector measures; whatever another package's one does wrong ends in one error that names it."""
    if is_own(type(detector)):
        return measure(context, labels)
    try:
        found = measure(context, labels)
    except OnnxauditError:
        raise
    except Exception as error:  # a stranger's code may raise anything
        raise PluginError(f"detector {detector.id} failed: {describe(error)}") from error
    fault = _find_fault(found, detector.id, context.classes)
    if fault:
        raise PluginError(f"detector {detector.id} {fault}")
    return found


def _find_fault(found: object, name: str, classes: int) -> str:
    """What is wrong with the evidence of another package's detector, or ""."""
    if not isinstance(found, Evidence) or found.detector != name:
        return "measured no evidence of its own"
    for values in (found.distances, found.ratios):
        for label, value in values.items():
            if not isinstance(label, int) or not 0 <= label < classes:
                return f"measured {label!r}, which is no label"
            if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                return f"measured {value!r} for label {label}, which is no distance and no ratio"
    return ""
