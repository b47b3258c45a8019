"""Whether a repaired label is still nearer than is usual, by masks and by changes of the whole image.

The limits of a repair are measured with the triggers that it was made against. Whether another one leads to the target
is told by the new scan, from random numbers of its own: a mask that pruning left room for, or a photo filter, of which
no mask says anything.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from onnxaudit.findings.kind import Kind, list_kinds
from onnxaudit.records import ScanReport

USUAL = {"patch": 1.8, "photometric": 2.3, "spectral": 2.5, "warp": 1.3}
RARE = {"patch": 3.0, "photometric": 4.7, "spectral": 4.4, "warp": 1.7}
"""By detector, ratios up to which 95 and 99 % of the labels of clean models in the table of evidence come, those with
fewer than eight left out: of a label that is given, and not chosen for being the nearest."""
LEAST, LEAD = 1.25, 1.2  # times closer than is normal, and than the next label: 1 to 3 % of these labels
NAMES = {"patch": "other masks"} | {name: f"{name} changes of the whole image" for name in USUAL if name != "patch"}


@dataclass(frozen=True)
class Nearness:
    """How near a label is by the evidence of one detector.

    Attributes:
        detector: its id.
        ratio: how many times closer it is than is normal.
        next: of the closest other label; infinite where there is none.
    """

    detector: str
    ratio: float
    next: float

    @classmethod
    def of(cls, scan: ScanReport, label: int, detector: str) -> Self | None:
        """By the evidence of a scan; None where it has none."""
        ratios = {row.label: row.ratios[detector] for row in scan.labels if detector in row.ratios}
        mine = ratios.pop(label, None)
        return None if mine is None else cls(detector, mine, max(ratios.values(), default=math.inf))

    @property
    def is_unusual(self) -> bool:
        """Whether it is nearer than a label of a clean model, chosen beforehand, nearly ever is.

        Nearer than 95 % is not enough where another label is nearer still: of these labels 16 % were so by one of the
        four detectors, and 9 % are by this rule, which tells as many targets of backdoored models. Where ratios are all
        alike, as those of a short search are, a lead shows it sooner than their size.
        """
        leads = self.ratio >= max(LEAST, LEAD * self.next)
        is_next = math.isfinite(self.next) and self.ratio < self.next
        return leads or self.ratio > (RARE if is_next else USUAL)[self.detector]


def is_comparable(scan: ScanReport, label: int) -> bool:
    """Whether it means something that a label is nearer than others of its model.

    Of series and features nothing is known of what is usual, and where one trigger leads to every label some of them
    are near by nature.
    """
    return scan.model.input.layout.is_image and list_kinds(scan, label) != (Kind.ALL_TO_ALL,)


def list_unusual(scan: ScanReport, label: int) -> Iterator[str]:
    """The detectors by which a label is unusually near."""
    found = (Nearness.of(scan, label, detector) for detector in USUAL)
    yield from (one.detector for one in found if one is not None and one.is_unusual)


def judge_nearness(before: ScanReport, after: ScanReport, label: int) -> list[tuple[bool, str]]:
    """Whether a repaired label is no nearer than is usual, by each detector, and a sentence each.

    Args:
        before: scan of the original.
        after: of the repaired model, made with equal effort.
        label: that was repaired.
    """
    if not is_comparable(before, label):
        return []
    runs, judged = {run.detector.id: run for run in after.detectors}, []
    for detector, name in NAMES.items():
        run, now = runs.get(detector), Nearness.of(after, label, detector)
        if now is not None:
            judged.append((not now.is_unusual, _describe(label, Nearness.of(before, label, detector), now)))
        elif run is None:
            judged.append((True, f"whether {name} lead to label {label} was not tested"))
        elif run.complete and (detector == "patch" or not run.labels):
            judged.append((True, f"the new scan found no {name} that lead to label {label}"))
        else:
            judged.append((False, f"the new scan did not measure whether {name} lead to label {label}"))
    return judged


def _describe(label: int, was: Nearness | None, now: Nearness) -> str:
    lead = f"lead to label {label}"
    easily = f"still {lead} unusually easily" if now.is_unusual else f"{lead} no more easily than is usual"
    earlier = "" if was is None else f" (before: {was.ratio:.1f})"
    others = f", the next label {now.next:.1f} times" if math.isfinite(now.next) else ""
    closer = f"it is {now.ratio:.1f} times closer than is normal for the repaired model{earlier}{others}"
    return f"{NAMES[now.detector]} {easily}: {closer}"
