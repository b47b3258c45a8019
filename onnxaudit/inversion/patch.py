"""The smallest trigger for each label, all labels in one batch.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019. For each label `t`, over samples `x` of other classes, minimize

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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.errors import OutOfTimeError
from onnxaudit.inversion.engine import Shrinking
from onnxaudit.inversion.forwards import device_of, find_hits
from onnxaudit.inversion.labels import Conventions, LabelsConfig, prepare
from onnxaudit.inversion.sample_orders import find_others
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.perturbations.patch import Patch
from onnxaudit.records import Event, Floats, Ints, Inversion, LabelStatus, OnEvent, Samples, Trigger
from onnxaudit.workers import Workers


@dataclass(frozen=True)
class InversionConfig(LabelsConfig):
    """Settings of `invert`: those of an inversion, and how what it found is confirmed.

    Attributes:
        further_steps: of labels for which `steps` found no trigger.
        confirming_samples: at most so many images confirm a trigger in the end.
        boosts: added to `u` in turn until the trigger is confirmed.
        cells: as for `Patch`.
    """

    steps: int = 100
    step_size: float = 0.4
    schedule: Schedule = field(default_factory=lambda: Schedule(success=0.95, late=True, patience=40))
    further_steps: int = 0
    confirming_samples: int = 64
    boosts: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
    cells: int = 0


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
        samples: clean images; a label does without those of its own class (as labeled, else as predicted).
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
        family = Patch(image=(samples.images.shape[1], *samples.images.shape[2:]), cells=config.cells)
        shrinking = prepare(
            classifier,
            samples.images,
            usable,
            family,
            config,
            seed=seed,
            workers=workers,
            conventions=Conventions(starts_first=False, fused=False),
        )
        run = partial(shrinking.run, deadline, None if on_event is None else _report_to(on_event))
        conclude = partial(_conclude, classifier, samples.images, usable, shrinking, config=config, workers=workers)
        found = _settle(shrinking, list(usable), run, conclude, further_steps=config.further_steps)
    return tuple(found.get(label) or _without_samples(label, samples.images) for label in labels)


def _settle(
    shrinking: Shrinking,
    labels: Sequence[int],
    run: Callable[[], bool],
    conclude: Callable[[Sequence[int]], dict[int, Inversion]],
    *,
    further_steps: int,
) -> dict[int, Inversion]:
    """What the steps of all rows find, and further ones of the rows of labels for which these find nothing."""
    run()
    found = conclude(range(len(labels)))
    late = [row for row, label in enumerate(labels) if found[label].status is LabelStatus.UNREACHED]
    if late and further_steps:
        shrinking.go_on(torch.tensor(late, device=shrinking.active.device), further_steps)
        run()
        found |= {label: replace(one, late=True) for label, one in conclude(late).items()}
    return found


def _conclude(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    shrinking: Shrinking,
    rows: Sequence[int],
    *,
    config: InversionConfig,
    workers: Workers,
) -> dict[int, Inversion]:
    running = set(shrinking.active.tolist())
    labels, passes = tuple(others), (config.samples_per_step * shrinking.steps_of).tolist()
    values = shrinking.values

    def conclude(row: int) -> Inversion:
        label = labels[row]
        index = _spread(others[label], config.confirming_samples)
        try:
            trigger, share = confirm(classifier, images[index], values[row], label, config)
        except OutOfTimeError:
            trigger = _decode(values[row], images, config.cells)
            return Inversion(label, trigger, 0.0, LabelStatus.UNFINISHED, passes[row])
        status = LabelStatus.SETTLED if share >= config.schedule.success else LabelStatus.UNREACHED
        if row in running:
            status = LabelStatus.UNFINISHED
        return Inversion(label, trigger, share, status, passes[row])

    return {one.label: one for one in workers.map(conclude, rows)}


def confirm(
    classifier: nn.Module, images: Floats, values: Tensor, label: int, config: InversionConfig
) -> tuple[Trigger, float]:
    """The trigger of `values`, made denser until it sends enough of `images` to the label, and the share that it sends.

    The smallest mask of many steps owes its size in part to the samples that these steps happened to see.
    """
    for boost in config.boosts:
        trigger = _decode(_densify(values, boost), images, config.cells)
        wanted = config.schedule.success if boost != config.boosts[-1] else 0.0
        share = float(find_hits(classifier, images, trigger, label, config.chunk_pixels, wanted=wanted).mean())
        if share >= config.schedule.success:
            break
    return trigger, share


def _decode(values: Tensor, images: Floats, cells: int) -> Trigger:
    """The trigger of the parameters of one row."""
    family = Patch(image=(len(values) - 1, *images.shape[2:]), cells=cells)
    mask, pattern = (part.cpu().numpy() for part in family.decode(values[None]))
    return Trigger(mask[0], pattern[0])


def _densify(values: Tensor, boost: float) -> Tensor:
    """`boost` added to `u` alone."""
    denser = values.clone()
    denser[0] += boost
    return denser


def _spread(index: Ints, count: int) -> Ints:
    """At most `count` entries of `index`, evenly spread."""
    positions = np.linspace(0, len(index) - 1, min(count, len(index))).astype(np.int64)
    return np.asarray(index[positions])


def _without_samples(label: int, images: Floats) -> Inversion:
    """Nothing could be tried: the trigger is empty."""
    _, channels, height, width = images.shape
    empty = Trigger(np.zeros((1, height, width), np.float32), np.zeros((channels, height, width), np.float32))
    return Inversion(label, empty, 0.0, LabelStatus.UNFINISHED, 0)


def _report_to(on_event: OnEvent) -> Callable[[Shrinking], None]:
    def report(shrinking: Shrinking) -> None:
        if shrinking.steps % REPORT_EVERY == 0 or not len(shrinking.active):
            on_event(_describe(shrinking))

    return report


def _describe(shrinking: Shrinking) -> Event:
    problem, sizes = shrinking.problem, shrinking.sizes
    message = f"step {shrinking.steps} of at most {shrinking.most_steps}"
    row = int(sizes.argmin())
    if sizes[row].isfinite():
        pixels = float(sizes[row]) * problem.samples[0, 0].numel()
        message += f", smallest trigger so far {pixels:.1f} pixels for label {problem.labels[row]}"
    return Event("invert", len(sizes) - len(shrinking.active), len(sizes), message)
