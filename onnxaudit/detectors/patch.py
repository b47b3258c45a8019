"""The smallest trigger for each label: a mask and a pattern, as those of BadNets and of TrojanNN are.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019; how triggers are inverted stands in `inversion.patch`.

Differs from the source: all labels are screened with little effort; those that stand out by all evidence, and controls
drawn at random, are inverted again with more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import ClassVar

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.comparison import compare, find_normal
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.patch import InversionConfig, invert
from onnxaudit.inversion.schedule import BRISK, RACE, Schedule
from onnxaudit.records import Evidence, Inversion, LabelStatus


@dataclass(frozen=True, kw_only=True)
class PatchConfig:
    """Settings of `PatchDetector`.

    Attributes:
        screening: of all labels, or of those on the shortlist.
        refinement: of suspects and controls.
        runs: refinements from so many seeds; the smallest trigger counts.
    """

    screening: InversionConfig = field(default_factory=InversionConfig)
    refinement: InversionConfig = field(
        default_factory=lambda: InversionConfig(
            steps=200,
            samples_per_step=10,
            step_size=0.3,
            schedule=Schedule(success=0.95, late=True, patience=50),
            confirming_samples=256,
        )
    )
    runs: int = 1


USUAL = PatchConfig()


@detector
@dataclass(frozen=True)
class PatchDetector(Detector):
    """The smallest trigger for each label."""

    id = "patch"
    title = "Patch"
    explanation = "The smallest fixed trigger, a patch or sticker at one place, that sends images to the class"
    stage = "screening"
    words = Words(subject="its trigger is", closer="smaller", farther="larger", progress="inverting triggers")
    efforts: ClassVar = {
        "quick": PatchConfig(
            screening=InversionConfig(
                steps=45, samples_per_step=6, step_size=0.5, schedule=BRISK, confirming_samples=48
            ),
            refinement=InversionConfig(
                steps=80, samples_per_step=8, step_size=0.4, schedule=BRISK, confirming_samples=96
            ),
        ),
        "deep": PatchConfig(
            screening=replace(USUAL.screening, steps=200), refinement=replace(USUAL.refinement, steps=300), runs=3
        ),
    }
    of_large = PatchConfig(
        screening=InversionConfig(
            steps=32,
            further_steps=64,
            samples_per_step=4,
            step_size=0.6,
            schedule=RACE,
            confirming_samples=24,
            cells=56,
        ),
        refinement=InversionConfig(
            steps=40, samples_per_step=6, step_size=0.5, schedule=RACE, confirming_samples=48, cells=56
        ),
    )
    of_costly = replace(of_large, refinement=replace(of_large.refinement, samples_per_step=4))
    replicated = True
    rule = "OA101"

    config: PatchConfig = USUAL

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Sizes of triggers; artifacts are an `Inversion` for each label."""
        found = self._invert(context, labels, self.config.screening)
        return self._report(found, level_sizes(found.values()), {})

    def refine(self, context: Context, labels: Sequence[int]) -> Evidence:
        """The same with the triggers of `labels` inverted again."""
        first = context.earlier[self.id]
        found: Mapping[int, Inversion] = first.artifacts
        for run in range(1, self.config.runs + 1):
            again = replace(context, seed=context.seed + run)
            refined = self._invert(again, labels, self.config.refinement)
            found = merge(found, refined)
        sizes = level_sizes(found[label] for label in labels)
        normal = find_normal(sizes, context.roles, len(first.distances))
        return self._report(found, sizes, {**first.ratios, **compare(sizes, normal)})

    def count_passes(self, labels: int) -> int:
        """All steps of screening, but for the further ones of labels for which these find no trigger."""
        return labels * self.config.screening.steps * self.config.screening.samples_per_step

    def count_refining_passes(self, labels: int) -> int:
        """All steps of refinement."""
        return labels * self.config.runs * self.config.refinement.steps * self.config.refinement.samples_per_step

    def _invert(self, context: Context, labels: Sequence[int], config: InversionConfig) -> dict[int, Inversion]:
        found = invert(
            context.classifier,
            context.known,
            labels,
            config,
            seed=context.seed,
            deadline=context.deadline,
            on_event=context.relay,
        )
        return {one.label: one for one in found}

    def _report(
        self, found: Mapping[int, Inversion], sizes: Mapping[int, float], ratios: Mapping[int, float]
    ) -> Evidence:
        return Evidence(
            detector=self.id,
            distances=sizes,
            ratios=ratios,
            unit="pixels",
            complete=all(one.status is not LabelStatus.UNFINISHED for one in found.values()),
            passes=sum(one.passes for one in found.values()),
            artifacts=found,
        )


def sizes_of(found: Iterable[Inversion]) -> dict[int, float]:
    """`|m|₁` in pixels by label, of the labels for which a trigger was found."""
    return {one.label: one.trigger.mask_l1 for one in found if one.status is LabelStatus.SETTLED}


def level_sizes(found: Iterable[Inversion]) -> dict[int, float]:
    """As `sizes_of`; labels that are `late` are no smaller than is usual for the others.

    More steps alone make a mask smaller: of such a label it is known only that as many as all others made did not do.
    """
    found = tuple(found)
    late = {one.label for one in found if one.late}
    sizes = sizes_of(found)
    usual = [size for label, size in sizes.items() if label not in late]
    least = median(usual) if usual else 0.0
    return {label: max(size, least) if label in late else size for label, size in sizes.items()}


def merge(found: Mapping[int, Inversion], refined: Mapping[int, Inversion]) -> dict[int, Inversion]:
    """By label the smaller trigger and all passes; unfinished if the refinement was cut short.

    All labels of the refinement had the same effort in all, so that their sizes can still be compared. Of those that
    are `late`, having had more before, only what the refinement found counts, where it found anything.
    """
    return {label: _join(one, refined[label]) if label in refined else one for label, one in found.items()}


def _join(first: Inversion, refined: Inversion) -> Inversion:
    better = refined if first.late or refined.trigger.mask_l1 < first.trigger.mask_l1 else first
    if refined.status is not LabelStatus.SETTLED:
        better = replace(first, status=refined.status if refined.status is LabelStatus.UNFINISHED else first.status)
    return replace(better, passes=first.passes + refined.passes)
