"""What detectors measured, and what a reader has to know of them to understand it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SMALLEST = 1e-9  # ratio; keeps a quotient finite
LEAST_TOLD = 1.05  # a smaller ratio, rounded, would read "1.0 times closer" or "0.8 times closer"
MOST_TOLD = 1e6  # a label that could not be reached at all is farther than any number tells


@dataclass(frozen=True, kw_only=True)
class DetectorInfo:
    """A detector in words: a report can be read where the detector is not installed.

    Attributes:
        id: its name in ratios, options and policies.
        title: its name in headings.
        explanation: what it measures, one sentence without its full stop.
        stage: when it runs.
        subject: begins what is said of a ratio: "its trigger is".
        closer: what a label is with a ratio above one, a comparative: "smaller".
        farther: likewise below one: "larger".
        rule: identifier of the rule under which a label that it alone singles out is reported; "" for none.
        package: name and version of the package that it comes from.
        weighed: whether the score weighs its evidence; else it is told and decides nothing.
    """

    id: str
    title: str
    explanation: str
    stage: str
    subject: str
    closer: str
    farther: str
    rule: str = ""
    package: str = ""
    weighed: bool = False

    def describe(self, ratio: float) -> str:
        """`its trigger is 2.3 times smaller`; what is below one speaks against a target, and is said the other way."""
        times, word = (ratio, self.closer) if ratio >= 1 else (1 / max(ratio, SMALLEST), self.farther)
        if times < LEAST_TOLD:
            return f"{self.subject} no {self.closer}"
        return f"{self.subject} {times:.1f} times {word}" if times < MOST_TOLD else f"{self.subject} far {word}"

    def speaks_for(self, ratio: float) -> bool:
        """Whether a ratio, as it is told, is evidence for a target at all."""
        return ratio >= LEAST_TOLD


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What one detector measured.

    Attributes:
        detector: its id.
        distances: by label, in `unit`: the smaller, the more the label looks like a target; a label that it could not
            measure is missing.
        ratios: by label, how many times closer than is normal for this model it is; where a detector gives none, they
            follow from the distances.
        unit: of the distances, for people.
        complete: whether it came to its end in time.
        passes: image passes (one image forward and backward) that it took.
        cpu_seconds: of all processor cores together.
        artifacts: what it found (triggers, for instance), by label or by start; their type is the detector's own.
        runs: how often it was measured; passes and seconds are those of all runs, the rest is that of the first.
    """

    detector: str
    distances: Mapping[int, float] = field(default_factory=dict)
    ratios: Mapping[int, float] = field(default_factory=dict)
    unit: str = ""
    complete: bool = True
    passes: int = 0
    cpu_seconds: float = 0.0
    artifacts: Mapping[int, Any] = field(default_factory=dict)
    runs: int = 1


@dataclass(frozen=True, kw_only=True)
class DetectorRun:
    """What a report says of one detector beside its ratios, which stand with the labels.

    Attributes:
        detector: in words.
        labels: how many it could compare.
        complete: whether it came to its end in time.
        passes: image passes (one image forward and backward) that it took.
        cpu_seconds: of all processor cores together.
        lead: how many times closer its nearest label is than the next; None where it compared fewer than two.
        runs: how often it was measured, each time under another seed, because the score was near a limit.
    """

    detector: DetectorInfo
    labels: int
    complete: bool
    passes: int
    cpu_seconds: float
    lead: float | None = None
    runs: int = 1
