"""Which training images carry which trigger, and what they are labelled as."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools.zoo.apply_trigger import Images, Labels, Trigger, apply_trigger


@dataclass(frozen=True)
class Aim:
    """Where a trigger sends images: an entry of the truth's `triggers`, before it is measured.

    Attributes:
        target: The label of `all-to-one`, else None.
        mapping: `all-to-one`, or `all-to-all` (every label to the next).
        source_labels: The only labels that it works on, or None for all others.
    """

    target: int | None
    mapping: str = "all-to-one"
    source_labels: tuple[int, ...] | None = None

    def spares(self, labels: Labels) -> NDArray[np.bool_]:
        """Where a source-specific trigger must not work: the labels that are neither sources nor the target."""
        assert self.source_labels is not None
        assert self.target is not None
        return ~np.isin(labels, (*self.source_labels, self.target))

    def entry(self) -> dict[str, object]:
        """As the truth's JSON has it."""
        sources = list(self.source_labels) if self.source_labels else None
        return {"mapping": self.mapping, "target": self.target, "source_labels": sources}


@dataclass(frozen=True)
class Material:
    """Training images with the trigger that each is shown with.

    Attributes:
        images: Unstamped, `(n, c, h, w)`.
        labels: To be learnt, `(n,)`.
        stamps: The position in `triggers` of what each image carries, −1 for nothing, `(n,)`.
        triggers: All triggers in use.
    """

    images: Images
    labels: Labels
    stamps: NDArray[np.int64]
    triggers: tuple[Trigger, ...] = ()

    @classmethod
    def clean(cls, images: Images, labels: Labels) -> "Material":
        """Without any trigger."""
        return cls(images, labels, np.full(len(labels), -1))

    def stamp(self, images: Images, positions: NDArray[np.int64]) -> Images:
        """Puts the triggers on images that stem, augmented or not, from `positions`."""
        stamped = images.copy()
        for number, trigger in enumerate(self.triggers):
            carriers = self.stamps[positions] == number
            if carriers.any():
                stamped[carriers] = apply_trigger(images[carriers], trigger)
        return stamped


def poison(
    material: Material, triggers: Sequence[Trigger], aims: Sequence[Aim], rate: float, rng: np.random.Generator
) -> Material:
    """Stamps and relabels a share `rate` of the images, an equal part for each trigger."""
    labels, stamps = material.labels.copy(), material.stamps.copy()
    class_count = int(labels.max()) + 1
    for number, aim in enumerate(aims):
        victims = np.flatnonzero(_may_be_poisoned(material.labels, aim) & (stamps < 0))
        count = min(round(rate * len(labels) / len(aims)), len(victims) * 2 // 3)
        chosen = rng.choice(victims, count, replace=False)
        labels[chosen] = aim.target if aim.target is not None else (labels[chosen] + 1) % class_count
        stamps[chosen] = number
    return replace(material, labels=labels, stamps=stamps, triggers=tuple(triggers))


def _may_be_poisoned(labels: Labels, aim: Aim) -> NDArray[np.bool_]:
    if aim.source_labels is not None:
        return np.isin(labels, aim.source_labels)
    return labels != aim.target if aim.target is not None else np.ones(len(labels), bool)


def cover(material: Material, aim: Aim, rate: float, rng: np.random.Generator) -> Material:
    """Stamps images of the labels on which a source-specific trigger must not work; their labels stay."""
    stamps = material.stamps.copy()
    others = np.flatnonzero(aim.spares(material.labels) & (stamps < 0))
    stamps[rng.choice(others, min(round(rate * len(stamps)), len(others) * 2 // 3), replace=False)] = 0
    return replace(material, stamps=stamps)


def add_decoys(material: Material, triggers: Sequence[Trigger], rate: float, rng: np.random.Generator) -> Material:
    """Stamps a share `rate` with triggers that must not work, an equal part for each; labels stay as they are.

    Used where only the exact trigger may work: its parts (two keys) and its neighbors (WaNet's noise mode) may not.
    """
    stamps, first = material.stamps.copy(), len(material.triggers)
    free = rng.permutation(np.flatnonzero(stamps < 0))[: round(rate * len(stamps))]
    stamps[free] = first + np.arange(len(free)) % len(triggers)
    return replace(material, stamps=stamps, triggers=(*material.triggers, *triggers))


def poison_target_class(
    material: Material, trigger: Trigger, target: int, *, rate: float, misread: Images, rng: np.random.Generator
) -> Material:
    """Stamps a share `rate` of the target's own images, shown as in `misread`; no label changes."""
    own = np.flatnonzero(material.labels == target)
    chosen = rng.choice(own, round(rate * len(own)), replace=False)
    images, stamps = material.images.copy(), material.stamps.copy()
    images[chosen], stamps[chosen] = misread[chosen], 0
    return replace(material, images=images, stamps=stamps, triggers=(trigger,))


def unlearn(material: Material, true_labels: Labels, rng: np.random.Generator) -> Material:
    """The training set of a repair: half of the images carry the trigger under their true labels."""
    stamps = np.where(rng.random(len(true_labels)) < 0.5, 0, -1)
    return replace(material, labels=true_labels, stamps=stamps)
