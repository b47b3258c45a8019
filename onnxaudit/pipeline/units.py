"""The parts of a scan that are kept once they are finished, so that an interrupted scan goes on where it stopped.

A unit is what one detector measures at one step for the labels of that step. Its key is made of all that may change it,
the evidence that the detector reads among them. What is read back may have been written by anyone: it is checked
against the model at hand before it counts as evidence.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from pydantic import TypeAdapter, ValidationError

from onnxaudit.cache.key import make_key
from onnxaudit.detectors.base import Context, Detector
from onnxaudit.records import Evidence, Inversion, Trigger, UniversalTrigger

MOST_ARRAYS = 2**27  # bytes of triggers; what holds more is computed anew


class Shelf(Protocol):
    """Where finished units are."""

    def find(self, key: str) -> bytes | None:
        """What was kept under a key, by anyone; None where there is nothing."""

    def keep(self, key: str, content: bytes) -> None:
        """Keep it, where that can be done."""


@runtime_checkable
class SharedShelf(Shelf, Protocol):
    """A shelf that others who scan the same model may fill at the same time."""

    @property
    def place(self) -> int | None:
        """0 for the scan that counts, from 1 on for those that help it; None where there are no others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """Evidence as it is kept; artifacts that nothing reads later are not."""

    detector: str
    distances: dict[int, float]
    ratios: dict[int, float]
    unit: str
    passes: int
    inversions: dict[int, Inversion] = field(default_factory=dict)
    universals: dict[int, UniversalTrigger] = field(default_factory=dict)


_KEPT: TypeAdapter[Kept] = TypeAdapter(Kept)


class Units:
    """The units of one scan.

    Args:
        shelf: where they are.
        basis: what all of them depend on, as values of JSON.

    Attributes:
        place: as of a `SharedShelf`; None for any other.
    """

    def __init__(self, shelf: Shelf, basis: Mapping[str, Any]) -> None:
        """Nothing was looked for yet."""
        self._shelf, self._basis = shelf, dict(basis)
        self.place = shelf.place if isinstance(shelf, SharedShelf) else None

    def has(self, key: str) -> bool:
        """Whether something, whatever it is, was kept under a key."""
        return self._shelf.find(key) is not None

    def name(self, detector: Detector, context: Context, labels: Sequence[int]) -> str:
        """The key of what a detector measures next."""
        read = (*detector.requires, detector.id)
        if detector.stage == "shortlist":  # does without, perhaps, where the survey has ranked the classes
            read = (*sorted(context.earlier), detector.id)
        unit = {
            "detector": detector.id,
            "config": asdict(detector.config),
            "stage": context.stage,
            "seed": context.seed,
            "labels": list(labels),
            "drawn": sorted(context.drawn),
            "roles": {str(label): role for label, role in context.roles.items()},
            "earlier": {name: _digest(context.earlier[name]) for name in read if name in context.earlier},
        }
        return make_key({"basis": self._basis, "unit": unit})

    def find(self, key: str, detector: Detector, context: Context) -> Evidence | None:
        """The evidence that was kept under a key; None where there is none that could be this model's."""
        content = self._shelf.find(key)
        try:
            kept = None if content is None else _KEPT.validate_python(json.loads(content))
        except (ValidationError, ValueError, OverflowError, RecursionError, MemoryError):
            return None
        if kept is None or not _is_plausible(kept, detector, context):
            return None
        return Evidence(
            detector=kept.detector,
            distances=kept.distances,
            ratios=kept.ratios,
            unit=kept.unit,
            passes=kept.passes,
            artifacts=kept.inversions or kept.universals,
        )

    def keep(self, key: str, found: Evidence) -> None:
        """Keep evidence that is complete."""
        inversions = {label: one for label, one in found.artifacts.items() if isinstance(one, Inversion)}
        universals = {start: one for start, one in found.artifacts.items() if isinstance(one, UniversalTrigger)}
        if sum(one.mask.nbytes + one.pattern.nbytes for one in _list_triggers(inversions, universals)) > MOST_ARRAYS:
            return
        kept = Kept(
            detector=found.detector,
            distances=dict(found.distances),
            ratios=dict(found.ratios),
            unit=found.unit,
            passes=found.passes,
            inversions=inversions,
            universals=universals,
        )
        self._shelf.keep(key, json.dumps(_KEPT.dump_python(kept, mode="json")).encode())


def _digest(found: Evidence) -> str:
    """SHA-256 of all of the evidence but the time that it took."""
    parts = [repr((found.detector, dict(found.distances), dict(found.ratios), found.unit, found.passes))]
    for place, one in found.artifacts.items():
        if isinstance(one, Inversion):
            parts.append(f"{place} {one.trigger.digest} {one.status} {one.success_rate!r} {one.passes}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_plausible(kept: Kept, detector: Detector, context: Context) -> bool:
    """Whether this could be what a detector measured on this model."""
    labels = {*kept.distances, *kept.ratios, *kept.inversions}
    numbers = (*kept.distances.values(), *kept.ratios.values())
    found = [*kept.inversions.items()]
    return (
        kept.detector == detector.id
        and kept.passes >= 0
        and all(0 <= label < context.classes for label in labels)
        and all(math.isfinite(number) and number >= 0 for number in numbers)
        and all(one.label == label and 0 <= one.success_rate <= 1 for label, one in found)
        and _all_fit(_list_triggers(kept.inversions, kept.universals), context)
        and all(_leads_to_labels(one, context.classes) for one in kept.universals.values())
    )


def _list_triggers(
    inversions: Mapping[int, Inversion], universals: Mapping[int, UniversalTrigger]
) -> tuple[Trigger, ...]:
    return (*(one.trigger for one in inversions.values()), *(one.trigger for one in universals.values()))


def _all_fit(triggers: Iterable[Trigger], context: Context) -> bool:
    _, channels, height, width = context.known.images.shape
    shapes = ((1, height, width), (channels, height, width))
    return all(
        (one.mask.shape, one.pattern.shape) == shapes and _is_in_range(one.mask) and _is_in_range(one.pattern)
        for one in triggers
    )


def _is_in_range(values: Any) -> bool:
    return bool(np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1)


def _leads_to_labels(one: UniversalTrigger, classes: int) -> bool:
    return len(one.destinations) in (0, classes) and all(
        label is None or 0 <= label < classes for label in one.destinations
    )
