"""How much of a mask lies close together: evidence that tells a planted patch from a natural way to a label.

    compactness(m) = max over windows w of Σ_w m / Σ m,      w: squares of 7/32 of the height and width

A planted patch is one piece, and so is the mask that recovers it. The smallest natural trigger of a label is a handful
of strokes all over the image, wherever they turn it into that label: it can be as small, but seldom as compact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.comparison import find_normal
from onnxaudit.detectors.registry import detector
from onnxaudit.records import Evidence, Floats, Inversion, LabelStatus

SIDE = 7 / 32  # of the window, as a share of the image's; holds the usual patches of a few percent of the area


@dataclass(frozen=True, kw_only=True)
class CompactnessConfig:
    """Settings of `Compactness`.

    Attributes:
        natural: usual for the masks of natural triggers, whatever the model.
    """

    natural: float = 0.35


@detector
@dataclass(frozen=True)
class Compactness(Detector):
    """How compact the mask of each label's smallest trigger is."""

    id = "compactness"
    title = "Compactness"
    explanation = "How close together the smallest trigger of the class lies"
    stage = "screening"
    words = Words(subject="its mask is", closer="more compact", farther="less compact")
    requires = ("patch",)
    replicated = True
    rule = "OA101"

    config: CompactnessConfig = CompactnessConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """How many times more compact masks are than this model's and than natural ones, where one was found."""
        del labels
        shares = compactness_of(context.earlier["patch"].artifacts.values())
        if not shares:
            return Evidence(detector=self.id)
        normal = find_normal(shares, context.roles, len(shares)) if context.roles else median(shares.values())
        normal = max(normal or 0.0, self.config.natural)
        return Evidence(detector=self.id, ratios={label: share / normal for label, share in shares.items()})

    def refine(self, context: Context, labels: Sequence[int]) -> Evidence:
        """The same of the refined masks."""
        return self.measure(context, labels)

    def count_refining_passes(self, labels: int) -> int:
        """None: masks are there already."""
        del labels
        return 0


def compactness_of(found: Iterable[Inversion]) -> dict[int, float]:
    """How much of its mask lies close together by label, of the labels for which a trigger was found."""
    return {one.label: measure_compactness(one.trigger.mask) for one in found if one.status is LabelStatus.SETTLED}


def measure_compactness(mask: Floats) -> float:
    """Share of a mask `(1, h, w)` in its best window, in (0, 1]; 0 for an empty mask."""
    height, width = (max(1, round(SIDE * side)) for side in mask.shape[1:])
    sums = np.pad(mask[0].astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    total = sums[-1, -1]
    return float(windows.max() / total) if total > 0 else 0.0
