"""One run of all detectors: each is given what those before it found, and its evidence is checked and kept."""

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from onnxaudit.detectors.base import Context, Detector, Refining, Stage
from onnxaudit.detectors.comparison import Role, compare, find_lead, find_median, find_normal
from onnxaudit.detectors.registry import describe_detector, is_own
from onnxaudit.errors import OutOfTimeError
from onnxaudit.pipeline.shared_work import Lookout, UntilFound, choose_turn
from onnxaudit.pipeline.step import Step
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
        self._ahead: dict[str, Evidence] = {}  # by key of the unit

    @property
    def ratios(self) -> dict[str, Mapping[int, float]]:
        """How many times closer than is normal each label is, by detector."""
        return {name: found.ratios for name, found in self.evidence.items()}

    def measure(self, stage: Stage, labels: Sequence[int], drawn: Collection[int]) -> list[Evidence]:
        """Run the detectors of a stage; the labels `drawn` show what is normal."""
        return [self._keep(step) for step in self._list(stage, labels, drawn)]

    def advance(self, stages: Mapping[Stage, Sequence[int]], drawn: Collection[int]) -> None:
        """Where this scan helps another: do units of several stages, given with their labels, in an order of its own.

        What they find counts as evidence when their stage comes.
        """
        self._advance([step for stage, labels in stages.items() for step in self._list(stage, labels, drawn)])

    def refine(self, roles: Mapping[int, Role]) -> None:
        """Refine suspects and controls, then run the detectors that measure these alone."""
        context, labels = replace(self._context, roles=roles), tuple(roles)
        again = replace(context, stage=REFINEMENT)
        steps = [
            Step(detector=one, measure=one.refine, context=again, labels=labels)
            for one in self.detectors
            if isinstance(one, Refining)
        ]
        steps += [
            Step(detector=one, measure=one.measure, context=replace(context, stage=one.id), labels=labels)
            for one in self.detectors
            if self._stages[one.id] == "refinement" and labels
        ]
        self._advance(steps)
        for step in steps:
            self._keep(step)

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
                runs=found.runs,
            )
            for one in self.detectors
            if (found := self.evidence.get(one.id)) is not None
        )

    def _list(self, stage: Stage, labels: Sequence[int], drawn: Collection[int]) -> list[Step]:
        context = replace(self._context, drawn=frozenset(drawn))
        return [
            Step(detector=one, measure=one.measure, context=replace(context, stage=one.id), labels=labels)
            for one in self.detectors
            if self._stages[one.id] == stage
        ]

    def _advance(self, steps: Sequence[Step]) -> None:
        if self._units is None or not self._units.place:
            return
        for step in choose_turn([one for one in steps if self._is_open(one)], self._units.place):
            context = replace(step.context, earlier=dict(self.evidence))
            with contextlib.suppress(OutOfTimeError):
                found = self._measure(replace(step, context=context))
                if found.complete:
                    self._ahead[self._units.name(step.detector, context, step.labels)] = found

    def _is_open(self, step: Step) -> bool:
        """Whether this is a unit, and nothing that it reads is missing."""
        return bool(step.detector.words.progress) and self.evidence.keys() >= {*step.detector.requires}

    def _keep(self, step: Step) -> Evidence:
        detector, context = step.detector, step.context
        if context.allows(detector) and detector.words.progress:
            context.tell("")
        before, start = self.evidence.get(detector.id), time.process_time()
        try:
            found = self._measure(replace(step, context=replace(context, earlier=dict(self.evidence))))
        except OutOfTimeError:
            self.interrupted.append(detector.id)
            found = replace(before or Evidence(detector=detector.id), complete=False)
        seconds = time.process_time() - start + (before.cpu_seconds if before else 0.0)
        if found.distances and not found.ratios:
            found = replace(found, ratios=self._compare(found.distances, context))
        self.evidence[detector.id] = replace(found, cpu_seconds=seconds)
        return self.evidence[detector.id]

    def _measure(self, step: Step) -> Evidence:
        """The evidence of a unit: what was kept, else what is measured now, which is kept once it is complete."""
        if self._units is None or not step.detector.words.progress:  # what takes no time is no unit
            return step.run()
        key = self._units.name(step.detector, step.context, step.labels)
        kept = self._ahead.get(key) or self._units.find(key, step.detector, step.context)
        if kept is not None:
            return kept
        found, is_new = self._run(self._units, key, step)
        if is_new and found.complete and not step.context.deadline.passed:
            self._units.keep(key, found)
        return found

    def _run(self, units: Units, key: str, step: Step) -> tuple[Evidence, bool]:
        """What is measured here, or was finished elsewhere meanwhile, and whether it is the first."""
        if units.place is None:
            return step.run(), True
        lookout = Lookout(lambda: units.has(key))
        until = UntilFound(step.context.deadline.at, lookout=lookout)
        try:
            found = replace(step, context=replace(step.context, deadline=until)).run()
        except OutOfTimeError:
            if not lookout.found:
                raise
        else:
            if not lookout.found:
                return found, True
        kept = units.find(key, step.detector, step.context)
        return (step.run(), True) if kept is None else (kept, False)  # what is there may make no sense

    def _compare(self, distances: Mapping[int, float], context: Context) -> dict[int, float]:
        if not context.roles:
            return compare(distances, find_median(distances, context.drawn))
        return compare(distances, find_normal(distances, context.roles, len(self.evidence["patch"].ratios)))
