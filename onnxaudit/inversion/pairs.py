"""The smallest trigger that leads the images of one class to another, for many pairs of classes in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.forwards import compute_logits, device_of, find_hits, pick_classes
from onnxaudit.inversion.labels import Row, prepare_rows
from onnxaudit.inversion.patch import InversionConfig, confirm
from onnxaudit.perturbations.patch import Patch
from onnxaudit.records import Ints, Samples, Trigger
from onnxaudit.workers import Workers

Pair = tuple[int, int]
"""Source class and target class."""


@dataclass(frozen=True)
class PairsConfig(InversionConfig):
    """Settings of `invert_pairs`: those of an inversion, for the few images that a class has."""

    steps: int = 60
    samples_per_step: int = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class PairTrigger:
    """What leads one class to another.

    Attributes:
        source: the class whose images it was made with.
        target: where they go.
        trigger: the smallest one found.
        success: share of other images of the class that it sends there, in [0, 1].
    """

    source: int
    target: int
    trigger: Trigger
    success: float


def invert_pairs(
    classifier: nn.Module,
    known: Samples,
    unseen: Samples,
    pairs: Sequence[Pair],
    config: PairsConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> tuple[PairTrigger, ...] | None:
    """The smallest trigger of each pair, of those from which enough images could be led.

    Args:
        classifier: logits of images.
        known: to search with.
        unseen: to check with.
        pairs: each once; the source has to be answered for an image of both.
        config: all settings.
        seed: each pair draws from a stream of its own, so that it does not depend on its company.
        deadline: of pairs compared at unequal effort nothing is returned: None.

    Raises:
        OutOfTimeError: the classifier's own deadline has passed.
    """
    of_known, of_unseen = (sort_by_answer(classifier, one, config.chunk_pixels) for one in (known, unseen))
    _, channels, height, width = known.images.shape
    family = Patch(image=(channels, height, width))
    rows = [
        Row(label=target, own=of_known[source], stream=np.random.default_rng((seed, source, target)))
        for source, target in pairs
    ]
    with Workers(device_of(classifier)) as workers:
        shrinking = prepare_rows(classifier, known.images, rows, family, config, workers=workers)
        if not shrinking.run(deadline):
            return None

        def check(row: int) -> PairTrigger | None:
            source, target = pairs[row]
            trigger, reached = confirm(
                classifier, known.images[of_known[source]], shrinking.values[row], target, config
            )
            if reached < config.schedule.success:
                return None
            hits = find_hits(classifier, unseen.images[of_unseen[source]], trigger, target, config.chunk_pixels)
            return PairTrigger(source=source, target=target, trigger=trigger, success=float(hits.mean()))

        found = workers.map(check, range(len(pairs)))
    return tuple(one for one in found if one is not None)


def sort_by_answer(classifier: nn.Module, samples: Samples, chunk_pixels: int) -> dict[int, Ints]:
    """Positions in `samples` by the class that the model answers, of those that it has an answer for."""
    answers = pick_classes(compute_logits(classifier, samples.images, chunk_pixels))
    return {int(answer): np.flatnonzero(answers == answer) for answer in np.unique(answers) if answer >= 0}


def list_sources(
    classifier: nn.Module, known: Samples, unseen: Samples, *, fewest: int, chunk_pixels: int
) -> list[int]:
    """Classes that the model answers for at least `fewest` samples of either set."""
    sorted_ones = [sort_by_answer(classifier, samples, chunk_pixels) for samples in (known, unseen)]
    return sorted(set.intersection(*({one for one, at in by.items() if len(at) >= fewest} for by in sorted_ones)))
