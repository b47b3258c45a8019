"""Triggers, and the evidence that a label is a backdoor's target."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np

from onnxaudit.records.arrays import Array, Floats
from onnxaudit.records.evidence import DetectorRun
from onnxaudit.records.notebook import Drawing, ShownInNotebooks, plot
from onnxaudit.records.reasons import Reason


@dataclass(frozen=True, eq=False)
class Trigger(ShownInNotebooks):
    """`A(x) = (1 − m)·x + m·δ` in pixel space.

    Attributes:
        mask: `m`, `(1, h, w)` in [0, 1].
        pattern: `δ`, `(c, h, w)` in [0, 1].
    """

    mask: Array
    pattern: Array

    def apply(self, images: Floats) -> Floats:
        """Stamp `images` `(n, c, h, w)`; the result has the same shape."""
        return ((1.0 - self.mask) * images + self.mask * self.pattern).astype(np.float32)

    @property
    def mask_l1(self) -> float:
        """`|m|₁` in pixels."""
        return float(np.abs(self.mask).sum())

    def plot(self, image: Floats | None = None) -> Drawing:
        """The trigger as a picture: its mask, its pattern, and both on an image.

        Args:
            image: a clean image `(c, h, w)` in [0, 1], which is shown too; gray where none is given.

        Raises:
            ValueError: the image has another shape than the pattern.
        """
        if image is not None and image.shape != self.pattern.shape:
            raise ValueError(f"the image is {image.shape}, the trigger {self.pattern.shape}; both are (c, h, w)")
        return plot(self, image)

    @property
    def digest(self) -> str:
        """SHA-256 of mask and pattern, in hex."""
        content = [np.ascontiguousarray(part, dtype="<f4").tobytes() for part in (self.mask, self.pattern)]
        return hashlib.sha256(b"".join(content)).hexdigest()


@dataclass(frozen=True)
class Rate:
    """`successes` of `trials`, with its 95 % Wilson interval; `value` is None without trials."""

    successes: int
    trials: int
    value: float | None
    low: float
    high: float


class LabelStatus(StrEnum):
    """How far the inversion of a label went."""

    SETTLED = "settled"
    UNREACHED = "unreached"  # no trigger of any size sent enough samples to the label
    UNFINISHED = "unfinished"  # the time budget ended first, or no sample is of another class
    SCREENED = "screened"  # among very many labels screening found nothing in it; no trigger was inverted


@dataclass(frozen=True, eq=False)
class Inversion:
    """What inversion found for one label.

    Attributes:
        label: the label `y_t`.
        trigger: the smallest mask at which enough samples were sent to the label; without success the last.
        success_rate: share of the samples used in optimization that `trigger` sends to the label, in [0, 1].
        status: how far it went.
        passes: image passes (one image forward and backward) that were spent on it.
        late: whether it made more steps than the others, because those of all found no trigger.
    """

    label: int
    trigger: Trigger
    success_rate: float
    status: LabelStatus
    passes: int
    late: bool = False


@dataclass(frozen=True)
class LabelResult:
    """One label's row of the report.

    Attributes:
        label: class index.
        status: how far the inversion went.
        mask_l1: size of the smallest trigger found, pixels.
        success_rate: on clean samples that inversion did not use: attack success rate.
        anomaly_index: of Neural Cleanse, `|a − median| / (1.4826 · MAD)` of raw sizes; None where it means nothing.
        log_index: signed robust z of the log size, positive where smaller than the median, in screening.
        refined_index: the same among labels of equal, greater effort (refinement); None for labels not in it.
        ratios: how many times closer than is normal the label is, by detector, where one could measure it; geometric
            means where it ran several times.
        log_odds: for a backdoor that leads to it; None where nothing was measured.
        role: "suspect" or "control" in refinement, else None.
        passes: image passes spent.
        reason: why the inversion did not settle, else "".
    """

    label: int
    status: LabelStatus
    mask_l1: float | None
    success_rate: Rate
    anomaly_index: float | None
    log_index: float | None = None
    refined_index: float | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    log_odds: float | None = None
    role: Literal["suspect", "control"] | None = None
    passes: int = 0
    reason: str = ""


@dataclass(frozen=True, eq=False)
class TriggerFinding:
    """A suspect label's inverted trigger, as reported."""

    label: int
    trigger: Trigger
    digest: str
    mask_l1: float
    success_rate: Rate


@dataclass(frozen=True, eq=False)
class UniversalTrigger:
    """The smallest trigger that makes samples leave their class, whichever way.

    Attributes:
        trigger: mask and pattern.
        destinations: for each class the label that most of its unseen samples go to; None where most stay.
        followers: unseen samples that go where most of their class go.
    """

    trigger: Trigger
    destinations: tuple[int | None, ...]
    followers: Rate

    def moves_apart(self, share: float) -> bool:
        """Whether at least `share` of the classes, and three, go to labels that no other class goes to."""
        reached = [label for label in self.destinations if label is not None]
        alone = sum(reached.count(label) == 1 for label in reached)
        return alone >= max(3.0, share * len(self.destinations))


class Verdict(StrEnum):
    """The outcome of a scan."""

    CLEAN = "clean"
    BACKDOORED = "backdoored"
    INCONCLUSIVE = "inconclusive"
    REJECTED = "rejected"  # the file works against its audit, whatever its classes do


@dataclass(frozen=True)
class Assessment:
    """The verdict with its reasons.

    Attributes:
        verdict: the outcome.
        score: in [0, 1], higher is more suspicious.
        target_labels: surest first; empty unless backdoored or suspect.
        reasons: one sentence each, for people.
        caveats: what leaves the verdict open, or makes it less sure; an open verdict has one at least.
        near_limit: whether the evidence lies so near a limit that under another seed the verdict may be another.
    """

    verdict: Verdict
    score: float
    target_labels: tuple[int, ...]
    reasons: tuple[str, ...]
    caveats: tuple[Reason, ...] = ()
    near_limit: bool = False


@dataclass(frozen=True)
class Coverage:
    """Which labels were tested; `reasons` maps the class index of each unfinished label to why."""

    labels_asked: int
    labels_finished: int
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Detection:
    """What the detection stage hands to the pipeline; `first_score` as in the report."""

    assessment: Assessment
    labels: tuple[LabelResult, ...]
    triggers: tuple[TriggerFinding, ...]
    coverage: Coverage
    universal: UniversalTrigger | None = None
    detectors: tuple[DetectorRun, ...] = ()
    first_score: float | None = None
