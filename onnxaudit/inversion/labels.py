"""An inversion over images for many labels: each row leads samples of other classes to a label of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking, respond_to_images
from onnxaudit.inversion.forwards import device_of, to_tensor
from onnxaudit.inversion.objectives import reach
from onnxaudit.inversion.sample_orders import draw_orders, draw_starts
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.perturbations.base import Family
from onnxaudit.perturbations.perturbation import Perturbation, separate
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers, count_rows


@dataclass(frozen=True)
class LabelsConfig:
    """Settings of an inversion over images.

    Attributes:
        steps: at most so many steps of Adam a label.
        samples_per_step: images a label and step.
        step_size: of Adam, in the family's parameters.
        momentum: Adam's two decay rates.
        unit: the size at which the penalty is `λ`.
        schedule: of the penalty on size.
        chunk_pixels: at most so many pixels (images x height x width) go through the network at once, on one core.
            Larger chunks fall out of the processor's cache: 512 images of 32x32 took 1.4 times as long as 64 or 128.
    """

    steps: int = 80
    samples_per_step: int = 8
    step_size: float = 0.1
    momentum: tuple[float, float] = (0.5, 0.9)
    unit: float = 1.0
    schedule: Schedule = field(default_factory=Schedule)
    chunk_pixels: int = 2**16

    def count_passes(self, labels: int) -> int:
        """Image passes (one image forward and backward) of so many labels, at most."""
        return labels * self.steps * self.samples_per_step


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What came of an inversion over images, in units of the family.

    Labels have to be compared at equal effort: there is nothing of any if the deadline passed.

    Attributes:
        found: size of the smallest perturbation by label, of those that were reached.
        tried: size of the last perturbation by label, of those that were not.
        perturbations: those found, by label.
    """

    found: dict[int, float]
    tried: dict[int, float]
    perturbations: dict[int, Perturbation] = field(default_factory=dict)

    @property
    def all(self) -> dict[int, float]:
        """Of all labels; one that was not reached is farther than all found, and as far as was tried."""
        farthest = max(self.found.values(), default=0.0)
        return self.found | {label: max(farthest, size) for label, size in self.tried.items()}


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What changes no more than the last bits, or which random numbers are drawn; each detector keeps its own.

    Attributes:
        starts_first: whether a stream gives the start before the order of samples, or after it.
        fused: see `AdamConfig`.
        even: whether a step is cut into an even number of parts, see `cut_tensor`.
    """

    starts_first: bool = True
    fused: bool = True
    even: bool = True


CONVENTIONS = Conventions()


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One search among many that run together.

    Attributes:
        label: where its images are led.
        own: positions of these images; not empty.
        stream: of its random numbers, so that its course does not depend on its company.
    """

    label: int
    own: Ints
    stream: np.random.Generator


def measure_sizes(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    family: Family,
    config: LabelsConfig,
    *,
    seed: int,
    deadline: Deadline,
    conventions: Conventions = CONVENTIONS,
) -> Sizes:
    """The smallest perturbation of a family towards each label; nothing if the deadline passed.

    Args: those of `prepare`.
    """
    if not others:
        return Sizes(found={}, tried={})
    with Workers(device_of(classifier)) as workers:
        shrinking = prepare(
            classifier, images, others, family, config, seed=seed, workers=workers, conventions=conventions
        )
        finished = shrinking.run(deadline)
    if not finished:
        return Sizes(found={}, tried={})
    with torch.no_grad():
        fields = family.decode(shrinking.values)
        last = family.size(fields).tolist()
    sizes = list(zip(others, shrinking.sizes.tolist(), last, separate(family, fields), strict=True))
    return Sizes(
        found={label: size for label, size, _, _ in sizes if np.isfinite(size)},
        tried={label: tried for label, size, tried, _ in sizes if not np.isfinite(size)},
        perturbations={label: one for label, size, _, one in sizes if np.isfinite(size)},
    )


def prepare(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    family: Family,
    config: LabelsConfig,
    *,
    seed: int,
    workers: Workers,
    conventions: Conventions = CONVENTIONS,
) -> Shrinking:
    """An inversion at its start.

    Args:
        classifier: logits of images.
        images: `(n, c, h, w)` in [0, 1].
        others: positions in `images` of the samples to use, by label; none of them empty.
        family: what is shrunk.
        config: all settings.
        seed: each label draws from a stream of its own, so that its course does not depend on its company.
        workers: share the work of a step.
        conventions: of random numbers and rounding.
    """
    rows = [Row(label=label, own=own, stream=np.random.default_rng((seed, label))) for label, own in others.items()]
    return prepare_rows(classifier, images, rows, family, config, workers=workers, conventions=conventions)


def prepare_rows(
    classifier: nn.Module,
    images: Floats,
    rows: Sequence[Row],
    family: Family,
    config: LabelsConfig,
    *,
    workers: Workers,
    conventions: Conventions = CONVENTIONS,
) -> Shrinking:
    """An inversion at its start whose rows need not be labels, each once.

    Args: those of `prepare`, and `rows` in place of `others` and `seed`.
    """
    device, steps, each = device_of(classifier), config.steps, config.samples_per_step
    streams = [row.stream for row in rows]
    starts = draw_starts(family, streams, device) if conventions.starts_first else None
    order = draw_orders([row.own for row in rows], streams, steps=steps, each=each, device=device)
    problem = Problem(
        family=family,
        respond=respond_to_images(classifier),
        objective=reach,
        samples=to_tensor(images).to(device),
        labels=torch.tensor([row.label for row in rows], device=device),
        starts=draw_starts(family, streams, device) if starts is None else starts,
        order=order,
        unit=config.unit,
    )
    return Shrinking(
        problem,
        steps=steps,
        adam=AdamConfig(step_size=config.step_size, momentum=config.momentum, fused=conventions.fused),
        schedule=config.schedule,
        most_rows=count_rows(config.chunk_pixels, each * images[0, 0].size, device),
        workers=workers,
        even=conventions.even,
    )
