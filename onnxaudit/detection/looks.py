"""The looks that need no mask, and the shortlist that they make where there are very many labels.

Each gives a distance by label, in a unit of its own; only ratios between labels mean anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detectors.latent_inversion import measure_shifts
from onnxaudit.detectors.maximum_margin import maximise_margins
from onnxaudit.detectors.spectral import measure_waves
from onnxaudit.importer import Classifier
from onnxaudit.inversion.sampling import find_others
from onnxaudit.records import Event, OnEvent, Samples
from onnxaudit.records.events import Stage

Distances = dict[int, float]


@dataclass(frozen=True)
class Shortlist:
    """Labels for which a trigger is sought, in their order.

    Attributes:
        labels: all of them, or the nearest by each cheap look and those drawn.
        drawn: chosen without looking, so that they show what is normal.
    """

    labels: tuple[int, ...]
    drawn: frozenset[int]


@dataclass(frozen=True, eq=False)
class Viewer:
    """What all looks work on: labelled samples, the tensor whose shifts are measured, the number of labels."""

    classifier: nn.Module
    samples: Samples
    features: str | None
    classes: int
    config: DetectionConfig
    seed: int
    deadline: Deadline
    on_event: OnEvent | None = None

    def look_at_features(self) -> Distances:
        """Shifts towards all labels; nothing where there is no tensor to shift."""
        if self.features is None:
            return {}
        assert isinstance(self.classifier, Classifier)
        self._tell("latent", "how near inner features are to each label")
        shifts = measure_shifts(
            self.classifier, self.samples, self.features, self.config.latent, seed=self.seed, deadline=self.deadline
        )
        return _fill(shifts, range(self.classes))

    def look_at_margins(self) -> Distances:
        """All labels; the further one can be driven ahead, the nearer it is."""
        self._tell("margin", "how far each label can be driven ahead of the others")
        margins = maximise_margins(
            self.classifier,
            self.samples.images.shape[1:],
            self.classes,
            self.config.margin,
            seed=self.seed,
            deadline=self.deadline,
        )
        return _fill({label: 1 / margin for label, margin in margins.items()}, range(self.classes))

    def look_at_waves(self, labels: Sequence[int]) -> Distances:
        """The weakest changes made of few waves, for these labels."""
        others = find_others(self.classifier, self.samples, labels, self.config.first.chunk_pixels)
        usable = {label: index for label, index in others.items() if len(index)}
        self._tell("waves", "changes of the whole image that are made of few waves")
        strengths = measure_waves(
            self.classifier, self.samples.images, usable, self.config.waves, seed=self.seed, deadline=self.deadline
        )
        return _fill(strengths, labels)

    def choose_shortlist(self, shifts: Distances) -> Shortlist:
        """Everyone, or among very many labels those that are worth the effort."""
        if self.classes <= self.config.most_labels:
            return Shortlist(tuple(range(self.classes)), frozenset(range(self.classes)))
        return shorten((shifts, self.look_at_margins()), self.config, self.classes, seed=self.seed)

    def _tell(self, stage: Stage, message: str) -> None:
        if self.on_event is not None:
            self.on_event(Event(stage, 0, 0, message))


def shorten(cheap: Sequence[Mapping[int, float]], config: DetectionConfig, classes: int, *, seed: int) -> Shortlist:
    """The nearest labels by each cheap look, and some drawn at random."""
    drawn = frozenset(np.random.default_rng(seed).permutation(classes)[: config.drawn].tolist())
    chosen = set(drawn)
    for distances in cheap:
        chosen.update(sorted(distances, key=lambda label: (distances[label], label))[: config.shortlist])
    return Shortlist(tuple(sorted(chosen)), drawn)


def _fill(distances: Distances, labels: Sequence[int]) -> Distances:
    """A label that was not reached is as far away as the farthest; nothing if none was."""
    if not distances:
        return {}
    farthest = max(distances.values())
    return {label: distances.get(label, farthest) for label in labels}
