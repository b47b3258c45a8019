"""The smallest trigger that sends every class somewhere else, whichever way: evidence for all-to-all backdoors.

Over samples `x` of class `y`, with `p` the class probabilities, minimize

    mean_x −log(1 − p_y(A(x, m, δ)))  +  λ · mean(m),      m = sigmoid(u), δ = sigmoid(v)

over `u` and `v` with Adam, from several starts; the smallest mask at which enough samples left their class is kept.
A backdoor that moves every label to another one shows no target: to each label the way is as long as ever. But one
small trigger then moves all classes, each to a label of its own; on a clean model such a trigger is as large as those
of single labels, and drives nearly all samples into few of them.

After S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017, with the mask and pattern of
B. Wang et al., Neural Cleanse, IEEE S&P 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from onnxaudit.data.selection import MOST_SAMPLES, choose_evenly
from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking
from onnxaudit.inversion.forwards import compute_logits, device_of, pick_classes, to_tensor
from onnxaudit.inversion.objectives import leave
from onnxaudit.inversion.sample_orders import draw_orders, draw_starts
from onnxaudit.inversion.schedule import BRISK, RACE, Schedule
from onnxaudit.perturbations.patch import Patch
from onnxaudit.records import Evidence, Ints, Samples, Trigger, UniversalTrigger
from onnxaudit.statistics import rate, rate_of
from onnxaudit.workers import Workers


@dataclass(frozen=True)
class AllToAllConfig:
    """Settings of `find_universal`.

    Attributes:
        steps: of Adam.
        starts: random beginnings.
        samples_per_step: images a start and step.
        step_size: of Adam, in the space of `u` and `v`.
        momentum: Adam's two decay rates.
        schedule: of the penalty on the mask.
        chunk_pixels: as for `InversionConfig`.
        cells: as for `Patch`.
        followed: on so many unseen samples of each class at most it is seen where a trigger sends the class.
    """

    steps: int = 120
    starts: int = 3
    samples_per_step: int = 16
    step_size: float = 0.3
    momentum: tuple[float, float] = (0.5, 0.9)
    schedule: Schedule = field(default_factory=Schedule)
    chunk_pixels: int = 2**16
    cells: int = 0
    followed: int = MOST_SAMPLES


@detector
@dataclass(frozen=True)
class AllToAll(Detector):
    """The smallest trigger that moves all classes."""

    id = "all-to-all"
    title = "All-to-all"
    explanation = "The smallest trigger that sends each class to a label of its own"
    stage = "model"
    words = Words(
        subject="the trigger that moves all classes is",
        closer="smaller",
        farther="larger",
        progress="looking for a trigger that moves all classes",
    )
    efforts: ClassVar = {"quick": AllToAllConfig(steps=60, starts=2, samples_per_step=12, schedule=BRISK)}
    of_large = AllToAllConfig(steps=40, starts=2, samples_per_step=8, schedule=RACE, cells=56, followed=32)
    of_costly = replace(of_large, samples_per_step=6)
    rule = "OA102"

    config: AllToAllConfig = AllToAllConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """A `UniversalTrigger` for each start from which enough samples could be moved."""
        del labels
        found = find_universals(
            context.classifier,
            context.known,
            context.unseen,
            self.config,
            seed=context.seed,
            deadline=context.deadline,
            answers=None if context.of_unseen is None else pick_classes(context.of_unseen.logits),
        )
        return Evidence(
            detector=self.id,
            complete=bool(found) or not context.deadline.passed,
            passes=self.count_passes(0),
            artifacts=dict(enumerate(found)),
        )

    def count_passes(self, labels: int) -> int:
        """All steps from all starts, however many labels there are."""
        del labels
        return self.config.starts * self.config.steps * self.config.samples_per_step


START_COLOR = 2.0  # spread of the one color that a pattern starts with: starts differ in it

Flags = npt.NDArray[np.bool_]


def find_universals(
    classifier: nn.Module,
    known: Samples,
    unseen: Samples,
    config: AllToAllConfig,
    *,
    seed: int,
    deadline: Deadline,
    answers: Ints | None = None,
) -> tuple[UniversalTrigger, ...]:
    """The smallest trigger from each start that moves the classes apart, and where it sends them.

    Args:
        classifier: logits of images.
        known: labeled samples for optimization.
        unseen: labeled samples that tell where each class goes.
        config: all settings.
        seed: of starting points and of the order of samples.
        deadline: nothing is returned when it passes.
        answers: of the model on unseen samples, `(n,)`, where they are known.

    Returns:
        One for each start from which enough samples could be moved.
    """
    assert unseen.labels is not None
    triggers = _shrink(classifier, known, config, seed, deadline)
    if not triggers:
        return ()
    if answers is None and len(unseen):
        answers = pick_classes(compute_logits(classifier, unseen.images, config.chunk_pixels))
    index = choose_evenly(len(unseen), unseen.labels, config.followed * len(np.unique(unseen.labels)))
    followed, before = unseen.take(index), None if answers is None else answers[index]
    return tuple(_follow(classifier, followed, before, trigger, config) for trigger in triggers)


def _shrink(
    classifier: nn.Module, known: Samples, config: AllToAllConfig, seed: int, deadline: Deadline
) -> list[Trigger]:
    """The trigger with the smallest mask from each start, where there is one; nothing without time."""
    assert known.labels is not None
    device, (_, channels, height, width) = device_of(classifier), known.images.shape
    family = Patch(image=(channels, height, width), color=START_COLOR, cells=config.cells)
    streams = [np.random.default_rng((seed, start)) for start in range(config.starts)]
    everything = [np.arange(len(known))] * config.starts
    steps, each = config.steps, config.samples_per_step
    order = draw_orders(everything, streams, steps=steps, each=each, device=device)
    problem = Problem(
        family=family,
        respond=classifier,
        objective=leave(torch.from_numpy(known.labels).to(device)),
        samples=to_tensor(known.images).to(device),
        labels=torch.arange(config.starts, device=device),
        starts=draw_starts(family, streams, device),
        order=order,
    )
    with Workers(device) as workers:
        shrinking = Shrinking(
            problem,
            steps=steps,
            adam=AdamConfig(step_size=config.step_size, momentum=config.momentum),
            schedule=config.schedule,
            most_rows=1,
            workers=workers,
        )
        finished = shrinking.run(deadline)
    masks, patterns = (part.cpu().numpy() for part in family.decode(shrinking.values))
    found = shrinking.sizes.isfinite().tolist() if finished else []
    return [Trigger(masks[start], patterns[start]) for start, one in enumerate(found) if one]


def _follow(
    classifier: nn.Module, samples: Samples, before: Ints | None, trigger: Trigger, config: AllToAllConfig
) -> UniversalTrigger:
    """Where the trigger sends samples that it was not made with, and that were answered as `before` `(n,)`."""
    assert samples.labels is not None
    if before is None or not len(samples):
        return UniversalTrigger(trigger, (), rate(0, 0))
    logits = compute_logits(classifier, samples.images, config.chunk_pixels, trigger.apply)
    after = pick_classes(logits)
    usable = (before == samples.labels) & (after >= 0)
    destinations, followers = _find_destinations(before[usable], after[usable], logits.shape[1])
    return UniversalTrigger(trigger, destinations, rate_of(followers))


def _find_destinations(before: Ints, after: Ints, classes: int) -> tuple[tuple[int | None, ...], Flags]:
    """For each class the label that most go to, or None; and which samples go where most of their class go."""
    destinations: list[int | None] = []
    follows = np.zeros(len(before), dtype=bool)
    for label in range(classes):
        counts = np.bincount(after[before == label], minlength=classes)
        favorite = int(counts.argmax())
        moved = counts.sum() > 0 and favorite != label
        destinations.append(favorite if moved else None)
        follows |= moved & (before == label) & (after == favorite)
    return tuple(destinations), follows
