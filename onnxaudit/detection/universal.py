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

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detection.batch import decode
from onnxaudit.detection.config import UniversalConfig
from onnxaudit.detection.forwards import compute_logits, device_of, pick_classes
from onnxaudit.detection.sampling import draw_order
from onnxaudit.detection.shrinking import Shrinking, descend
from onnxaudit.records import Floats, Ints, Samples, Trigger, UniversalTrigger
from onnxaudit.statistics import rate, rate_of

Flags = npt.NDArray[np.bool_]


def find_universal(
    classifier: nn.Module,
    known: Samples,
    unseen: Samples,
    config: UniversalConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> UniversalTrigger | None:
    """The smallest trigger found that moves the classes apart, and where it sends them.

    Args:
        classifier: logits of images.
        known: labelled samples for optimisation.
        unseen: labelled samples that tell where each class goes.
        config: all settings.
        seed: of starting points and of the order of samples.
        deadline: None when it passes.

    Returns:
        None where no trigger moved enough samples.
    """
    trigger = _shrink(classifier, known, config, seed, deadline)
    return None if trigger is None else _follow(classifier, unseen, trigger, config)


def _shrink(
    classifier: nn.Module, samples: Samples, config: UniversalConfig, seed: int, deadline: Deadline
) -> Trigger | None:
    assert samples.labels is not None
    device = device_of(classifier)
    pixels, classes = (torch.from_numpy(part).to(device) for part in (samples.images, samples.labels))
    stream = np.random.default_rng(seed)
    everything = np.arange(len(samples))
    order = torch.from_numpy(
        np.stack([draw_order(everything, config.steps, config.samples_per_step, stream) for _ in range(config.starts)])
    ).to(device)
    values = torch.from_numpy(_draw_starts(config.starts, samples.images.shape[1:], stream)).to(device)
    values.requires_grad_(True)
    kept = values.detach().clone()
    adam = torch.optim.Adam([values], lr=config.step_size, betas=config.momentum)
    shrinking = Shrinking(config.starts, config.schedule, device)
    for step in range(config.steps):
        if deadline.passed:
            return None
        mask, pattern = (part[:, None] for part in decode(values))
        images = pixels[order[:, step]]
        logits = classifier((images + mask * (pattern - images)).flatten(0, 1))
        own = classes[order[:, step]].flatten()
        left = (logits.argmax(dim=1) != own) & ~logits.isnan().any(dim=1)
        better = shrinking.update(mask.sum((1, 2, 3, 4)), left.float().view(config.starts, -1).mean(dim=1))
        kept[better] = values.detach()[better]
        loss = _staying(logits, own).view(config.starts, -1).mean(dim=1) + shrinking.penalty * mask.mean((1, 2, 3, 4))
        descend(loss.sum(), values, adam)
    row = int(shrinking.best.argmin())
    if not shrinking.best[row].isfinite():
        return None
    best_mask, best_pattern = (part[0].cpu().numpy() for part in decode(kept[row : row + 1]))
    return Trigger(best_mask, best_pattern)


def _staying(logits: Tensor, own: Tensor) -> Tensor:
    """`−log(1 − p_y)`, `(n,)`, as the logarithm of a ratio of sums so that it does not saturate."""
    others = logits.masked_fill(F.one_hot(own, logits.shape[1]).bool(), -torch.inf)
    return logits.logsumexp(dim=1) - others.logsumexp(dim=1)


def _draw_starts(count: int, shape: tuple[int, ...], stream: np.random.Generator) -> Floats:
    """Half-covering masks on patterns of one random colour each, with a little noise: `(count, 1 + c, h, w)`."""
    channels, height, width = shape
    starts = 0.1 * stream.standard_normal((count, 1 + channels, height, width), dtype=np.float32)
    starts[:, 1:] += 2 * stream.standard_normal((count, channels, 1, 1), dtype=np.float32)
    return starts


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
