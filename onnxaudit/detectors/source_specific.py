"""The smallest trigger from one class to another: evidence for backdoors that spare all other classes, or lead each on.

A source-specific trigger (TaCT) works on images of its source classes alone, an all-to-all one sends each class to
another; to an inversion over all images no label then is near. For each pair of a source `s` and a target `t` the
smallest trigger is inverted, over the images of `s` alone. With `L` the logarithm of its size and `P` what two-way
median polish (J. W. Tukey, Exploratory Data Analysis, 1977) leaves of a matrix, once what is normal for the source and
for the target is taken off,

    D_st = −P(L)_st  −  max(0, −P(L)_ts, min(−P(X)_st, −P(X)_ts))

says how much smaller the trigger is than both lead to expect, beyond how alike the classes are: likeness is mutual (a
nine is near to a four, and a four to a nine), a backdoor leads one way. `X` is the logarithm of the exact shift
(`detectors.exact_shift`) of each pair. A trigger that fails on unseen images of its source counts for nothing.

Attacks: D. Tang et al., Demon in the Variant, USENIX Security 2021 (source-specific); T. Gu et al., BadNets, 2017
(all-to-all). The comparison of pairs is our own.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.exact_shift import measure_pairs
from onnxaudit.detectors.pair_comparison import compare_pairs
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.pairs import PairsConfig, PairTrigger, invert_pairs, list_sources
from onnxaudit.records import Evidence
from onnxaudit.records.arrays import Doubles


@dataclass(frozen=True, kw_only=True)
class SourceSpecificConfig:
    """Settings of `SourceSpecific`.

    Attributes:
        inversion: of each pair.
        fewest_sources: with fewer nothing can be compared.
        fewest_samples: a class is a source with so many images to search with, and as many to check with.
        most_pairs: with more, nothing is measured: pairs rise with the square of classes.
        unseen_success: share of unseen images of the source that a trigger has to send to the target.
        usual_spread: of `D`, where inversions are steady; in a noisier matrix it counts for so much less.
    """

    inversion: PairsConfig = field(default_factory=PairsConfig)
    fewest_sources: int = 4
    fewest_samples: int = 2
    most_pairs: int = 132
    unseen_success: float = 0.75
    usual_spread: float = 0.15


@detector
@dataclass(frozen=True)
class SourceSpecific(Detector):
    """How small a trigger leads a single class to each label."""

    id = "source-specific"
    title = "Source-specific"
    explanation = "The smallest trigger that sends the images of a single class to the class"
    stage = "model"
    words = Words(
        subject="the trigger that sends a single class there is",
        closer="smaller",
        farther="larger",
        progress="inverting triggers from each class to each other one",
    )
    efforts: ClassVar = {
        "quick": SourceSpecificConfig(most_pairs=0),
        "deep": SourceSpecificConfig(inversion=PairsConfig(steps=120), most_pairs=400),
    }
    of_large = SourceSpecificConfig(most_pairs=0)
    rule = "OA107"

    config: SourceSpecificConfig = SourceSpecificConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """For each label the trigger from that source which is smallest against what is normal; artifacts are these."""
        inversion = self.config.inversion
        if not self.count_passes(len(labels)):
            return Evidence(detector=self.id)
        sources = list_sources(
            context.classifier,
            context.known,
            context.unseen,
            fewest=self.config.fewest_samples,
            chunk_pixels=inversion.chunk_pixels,
        )
        pairs = [(source, target) for source in sources for target in labels if source != target]
        if len(sources) < self.config.fewest_sources:
            return Evidence(detector=self.id)
        found = invert_pairs(
            context.classifier,
            context.known,
            context.unseen,
            pairs,
            inversion,
            seed=context.seed,
            deadline=context.deadline,
        )
        if not found:
            return Evidence(detector=self.id, complete=found is not None)
        nearest = self._find_nearest(found, measure_pairs(context), context.classes)
        return Evidence(
            detector=self.id,
            distances={target: one.trigger.mask_l1 for target, (one, _) in nearest.items()},
            ratios={target: math.exp(excess) for target, (_, excess) in nearest.items()},
            unit="pixels",
            passes=inversion.count_passes(len(pairs)),
            artifacts={target: one for target, (one, _) in nearest.items()},
        )

    def count_passes(self, labels: int) -> int:
        """All steps of all pairs."""
        pairs = labels * (labels - 1)
        return self.config.inversion.count_passes(pairs) if pairs <= self.config.most_pairs else 0

    def _find_nearest(
        self, found: Iterable[PairTrigger], shifts: Doubles | None, classes: int
    ) -> dict[int, tuple[PairTrigger, float]]:
        """By target the pair with the largest `D`, in which a noisy matrix counts for less, and this."""
        by_pair = {(one.source, one.target): one for one in found}
        logs = np.full((classes, classes), np.nan)
        for pair, one in by_pair.items():
            logs[pair] = math.log(max(one.trigger.mask_l1, math.ulp(1.0)))
        excess, spread = compare_pairs(logs, shifts)
        excess = excess * (self.config.usual_spread / max(spread, self.config.usual_spread))
        nearest: dict[int, tuple[PairTrigger, float]] = {}
        for pair, one in by_pair.items():
            value = float(excess[pair]) if one.success >= self.config.unseen_success else 0.0
            if one.target not in nearest or value > nearest[one.target][1]:
                nearest[one.target] = (one, value)
        return nearest
