"""The smallest trigger for each label, all labels in one batch.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019. For each label `t`, over samples `x` of other classes, minimise

    mean_x cross_entropy(f((1 − m)·x + m·δ), t)  +  λ · mean(m),      m = sigmoid(u), δ = sigmoid(v)

over `u` and `v` with Adam. `λ` rises while enough samples are sent to the label and falls otherwise; the smallest
mask at which enough were sent is kept.

Differs from the source:

- All labels run together, labels x samples in one batch; a label leaves it when its mask has stopped shrinking.
- `λ` moves at every step, by the success over a window of steps. It weighs the mean of the mask, not its sum, so
  that one setting serves images of any size.
- About 1,000 image passes a label instead of 990,000: a larger step, small batches of samples, and only clean images
  of the defender's.
- Success is counted on logits that are numbers: a NaN is no success.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.batch import Batch, InversionConfig
from onnxaudit.inversion.forwards import device_of, find_hits
from onnxaudit.inversion.sampling import find_others
from onnxaudit.records import Event, Floats, Ints, Inversion, LabelStatus, OnEvent, Samples, Trigger
from onnxaudit.workers import Workers

REPORT_EVERY = 10  # steps between two events


def invert(
    classifier: nn.Module,
    samples: Samples,
    labels: Sequence[int],
    config: InversionConfig = InversionConfig(),
    *,
    seed: int,
    deadline: Deadline = Deadline(),
    on_event: OnEvent | None = None,
) -> tuple[Inversion, ...]:
    """Look for the smallest trigger that sends samples of other classes to each of `labels`.

    The course of a label does not depend on which other labels are asked for.

    Args:
        classifier: logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]; in evaluation mode.
        samples: clean images; a label does without those of its own class (as labelled, else as predicted).
        labels: class indices, each once.
        config: all settings.
        seed: of starting points and of the order of samples.
        deadline: labels not settled by then are unfinished.
        on_event: told of progress.

    Returns:
        One inversion a label, in the order of `labels`.
    """
    others = find_others(classifier, samples, labels, config.chunk_pixels)
    usable = {label: index for label, index in others.items() if len(index)}
    if not usable:
        return tuple(_without_samples(label, samples.images) for label in labels)
    with Workers(device_of(classifier)) as workers:
        batch = Batch(classifier, samples.images, usable, config, seed, workers)
        while len(batch.active) and not deadline.passed:
            batch.step()
            if on_event is not None and (batch.steps % REPORT_EVERY == 0 or not len(batch.active)):
                on_event(_describe(batch, config))
        found = _conclude(classifier, samples.images, usable, batch, config, workers)
    return tuple(found.get(label) or _without_samples(label, samples.images) for label in labels)


def _conclude(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    batch: Batch,
    config: InversionConfig,
    workers: Workers,
) -> dict[int, Inversion]:
    running = set(batch.active.tolist())

    def conclude(row: int) -> Inversion:
        label = batch.labels[row]
        index = _spread(others[label], config.confirming_samples)
        trigger, share = _confirm(classifier, images[index], batch, row, config)
        status = LabelStatus.SETTLED if share >= config.success else LabelStatus.UNREACHED
        if row in running:
            status = LabelStatus.UNFINISHED
        return Inversion(label, trigger, share, status, int(batch.passes[row]))

    return {one.label: one for one in workers.map(conclude, range(len(batch.labels)))}


def _confirm(
    classifier: nn.Module, images: Floats, batch: Batch, row: int, config: InversionConfig
) -> tuple[Trigger, float]:
    """The row's trigger, made denser until it sends enough of `images` to the label, and the share that it sends.

    The smallest mask of many steps owes its size in part to the samples that these steps happened to see.
    """
    for boost in config.boosts:
        trigger = batch.trigger(row, boost)
        share = float(find_hits(classifier, images, trigger, batch.labels[row], config.chunk_pixels).mean())
        if share >= config.success:
            break
    return trigger, share


def _spread(index: Ints, count: int) -> Ints:
    """At most `count` entries of `index`, evenly spread."""
    positions = np.linspace(0, len(index) - 1, min(count, len(index))).astype(np.int64)
    return np.asarray(index[positions])


def _without_samples(label: int, images: Floats) -> Inversion:
    """Nothing could be tried: the trigger is empty."""
    _, channels, height, width = images.shape
    empty = Trigger(np.zeros((1, height, width), np.float32), np.zeros((channels, height, width), np.float32))
    return Inversion(label, empty, 0.0, LabelStatus.UNFINISHED, 0)


def _describe(batch: Batch, config: InversionConfig) -> Event:
    settled = len(batch.labels) - len(batch.active)
    message = f"step {batch.steps} of at most {config.steps}"
    row = int(batch.sizes.argmin())
    if batch.sizes[row].isfinite():
        message += f", smallest trigger so far {batch.sizes[row]:.1f} pixels for label {batch.labels[row]}"
    return Event("invert", settled, len(batch.labels), message)
