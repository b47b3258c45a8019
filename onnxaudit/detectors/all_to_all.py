"""The smallest trigger that sends every class somewhere else, whichever way: evidence for all-to-all backdoors.

Over samples `x` of class `y`, with `p` the class probabilities, minimise

    mean_x −log(1 − p_y(A(x, m, δ)))  +  λ · mean(m),      m = sigmoid(u), δ = sigmoid(v)

over `u` and `v` with Adam, from several starts; the smallest mask at which enough samples left their class is kept.
A backdoor that moves every label to another one shows no target: to each label the way is as long as ever. But one
small trigger then moves all classes, each to a label of its own; on a clean model such a trigger is as large as those
of single labels, and drives nearly all samples into few of them.

After S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017, with the mask and pattern of
B. Wang et al., Neural Cleanse, IEEE S&P 2019.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.batch import decode
from onnxaudit.inversion.forwards import compute_logits, device_of, pick_classes
from onnxaudit.inversion.sampling import draw_order
from onnxaudit.inversion.shrinking import Schedule, Shrinking, descend
from onnxaudit.records import Floats, Ints, Samples, Trigger, UniversalTrigger
from onnxaudit.statistics import rate, rate_of
from onnxaudit.workers import Workers, join


@dataclass(frozen=True)
class UniversalConfig:
    """Settings of `find_universal`.

    Attributes:
        steps: of Adam.
        starts: random beginnings.
        samples_per_step: images a start and step.
        step_size: of Adam, in the space of `u` and `v`.
        momentum: Adam's two decay rates.
        schedule: of the penalty on the mask.
        chunk_pixels: as for `InversionConfig`.
    """

    steps: int = 120
    starts: int = 3
    samples_per_step: int = 16
    step_size: float = 0.3
    momentum: tuple[float, float] = (0.5, 0.9)
    schedule: Schedule = field(default_factory=Schedule)
    chunk_pixels: int = 2**16


Flags = npt.NDArray[np.bool_]


def find_universals(
    classifier: nn.Module,
    known: Samples,
    unseen: Samples,
    config: UniversalConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> tuple[UniversalTrigger, ...]:
    """The smallest trigger from each start that moves the classes apart, and where it sends them.

    Args:
        classifier: logits of images.
        known: labelled samples for optimisation.
        unseen: labelled samples that tell where each class goes.
        config: all settings.
        seed: of starting points and of the order of samples.
        deadline: nothing is returned when it passes.

    Returns:
        One for each start from which enough samples could be moved.
    """
    assert known.labels is not None
    device = device_of(classifier)
    pixels, classes = (torch.from_numpy(part).to(device) for part in (known.images, known.labels))

    def shrink(start: int) -> list[Trigger] | None:
        return _shrink(classifier, pixels, classes, config, np.random.default_rng((seed, start)), deadline)

    with Workers(device) as workers:
        triggers = join(workers.map(shrink, range(config.starts)))
    return tuple(_follow(classifier, unseen, trigger, config) for trigger in triggers)


def _shrink(
    classifier: nn.Module,
    pixels: Tensor,
    classes: Tensor,
    config: UniversalConfig,
    stream: np.random.Generator,
    deadline: Deadline,
) -> list[Trigger] | None:
    """The trigger with the smallest mask from one start, if there is one; None without time."""
    order = torch.from_numpy(draw_order(np.arange(len(pixels)), config.steps, config.samples_per_step, stream))
    values = torch.from_numpy(_draw_start(pixels.shape[1:], stream)).to(pixels.device).requires_grad_(True)
    kept = values.detach().clone()
    adam = torch.optim.Adam([values], lr=config.step_size, betas=config.momentum)
    shrinking = Shrinking(1, config.schedule, pixels.device)
    for index in order.to(pixels.device):
        if deadline.passed:
            return None
        mask, pattern = decode(values[None])
        logits = classifier(pixels[index] + mask * (pattern - pixels[index]))
        own = classes[index]
        left = (logits.argmax(dim=1) != own) & ~logits.isnan().any(dim=1)
        if shrinking.update(mask.sum()[None], left.float().mean()[None]).item():
            kept = values.detach().clone()
        descend(_staying(logits, own).mean() + shrinking.penalty[0] * mask.mean(), values, adam)
    if not shrinking.best.isfinite():
        return []
    best_mask, best_pattern = (part[0].cpu().numpy() for part in decode(kept[None]))
    return [Trigger(best_mask, best_pattern)]


def _staying(logits: Tensor, own: Tensor) -> Tensor:
    """`−log(1 − p_y)`, `(n,)`, as the logarithm of a ratio of sums so that it does not saturate."""
    others = logits.masked_fill(F.one_hot(own, logits.shape[1]).bool(), -torch.inf)
    return logits.logsumexp(dim=1) - others.logsumexp(dim=1)


def _draw_start(shape: tuple[int, ...], stream: np.random.Generator) -> Floats:
    """A half-covering mask on a pattern of one random colour, with a little noise: `(1 + c, h, w)`."""
    channels, height, width = shape
    start = 0.1 * stream.standard_normal((1 + channels, height, width), dtype=np.float32)
    start[1:] += 2 * stream.standard_normal((channels, 1, 1), dtype=np.float32)
    return start


def _follow(classifier: nn.Module, samples: Samples, trigger: Trigger, config: UniversalConfig) -> UniversalTrigger:
    """Where the trigger sends samples that it was not made with."""
    assert samples.labels is not None
    if not len(samples):
        return UniversalTrigger(trigger, (), rate(0, 0))
    before = pick_classes(compute_logits(classifier, samples.images, config.chunk_pixels))
    logits = compute_logits(classifier, trigger.apply(samples.images), config.chunk_pixels)
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
        favourite = int(counts.argmax())
        moved = counts.sum() > 0 and favourite != label
        destinations.append(favourite if moved else None)
        follows |= moved & (before == label) & (after == favourite)
    return tuple(destinations), follows
