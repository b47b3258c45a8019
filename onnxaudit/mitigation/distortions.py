"""Changes of the whole image towards a label, as strong as their bounds allow: what a repair unlearns besides patches.

    minimize over u   mean_x cross_entropy(g(A(x)), y_t)      A additive, a warp or photometric, each within its bounds

A sinusoid, a warp, a photo filter are such changes, and have no mask worth the name: a network that has learnt to
ignore every mask may still obey them. Nothing is shrunk here; the families and their sources are in `perturbations`.

What is found by descent is but one member of its family, and rarely the attacker's: members drawn at random join it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking, respond_to_images
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.objectives import reach
from onnxaudit.inversion.schedule import UNSHRUNK
from onnxaudit.perturbations.additive import Additive
from onnxaudit.perturbations.base import Family, Shape
from onnxaudit.perturbations.perturbation import Perturbation, separate
from onnxaudit.perturbations.photometric import Photometric
from onnxaudit.perturbations.warp import Warp
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers

Flags = npt.NDArray[np.bool_]
Labels = Mapping[int, Sequence[str]]
"""Labels, and the ids of the families by which each of them is reached."""
START = 0.02  # spread of amplitudes at first
WEAKEST, STRONGEST = 0.3, 1.5  # root mean square of a random field, before its bound bends it
TINY = 1e-12


@dataclass(frozen=True)
class DistortionConfig:
    """Settings.

    Attributes:
        number: of each kind, for each label.
        drawn: at random, of each kind, for each label and round.
        change: bound of what a change adds to a pixel.
        flow: bound of a pixel's way, as a share of the image's shorter side.
        gain: bound of how much brighter or darker a tone makes a pixel, as a share of itself.
        offset: bound of what a tone adds to a pixel.
        mixing: bound of each entry of a tone's color matrix.
        waves: cosines of a flow, on each side; a change has half as many as the image has pixels.
        tone_waves: cosines of a tone, on each side.
        steps: of Adam.
        samples: images a step.
        step_size: of Adam, in the amplitudes of `u`.
    """

    number: int = 2
    drawn: int = 6
    change: float = 0.12
    flow: float = 0.05
    gain: float = 0.5
    offset: float = 0.3
    mixing: float = 0.6
    waves: int = 5
    tone_waves: int = 3
    steps: int = 60
    samples: int = 24
    step_size: float = 0.8

    def families(self, shape: Shape) -> tuple[Additive, Warp, Photometric]:
        """Of images of a shape: a change, a flow, a tone."""
        mixing = self.mixing if shape[0] > 1 else 0.0
        return (
            Additive(image=shape, bound=self.change),
            Warp(image=shape, bound=self.flow, cosines=self.waves),
            Photometric(image=shape, gain=self.gain, offset=self.offset, mixing=mixing, cosines=self.tone_waves),
        )

    def choose(self, shape: Shape, ids: Sequence[str]) -> tuple[Additive | Warp | Photometric, ...]:
        """Those of `families` that are named."""
        return tuple(family for family in self.families(shape) if family.id in ids)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Task:
    """One distortion to be made: towards `label`, over the images `order` `(steps, n)`, from parameters `start`."""

    label: int
    family: Family
    order: Tensor
    start: Tensor


def shape_distortions(
    classifier: nn.Module,
    images: Floats,
    classes: Ints,
    labels: Labels,
    config: DistortionConfig,
    *,
    draw: torch.Generator,
    workers: Workers,
) -> list[tuple[Perturbation, int]]:
    """Distortions that lead to each of `labels`, of the families named for it, each with its label.

    Args:
        classifier: logits of images; its weights frozen.
        images: clean images `(n, c, h, w)`.
        classes: of them `(n,)`; a label's own are left out.
        labels: where distortions are to lead, and by which families.
        config: settings.
        draw: of starts and samples.
        workers: take a distortion each.
    """
    shape = (images.shape[1], *images.shape[2:])
    tasks = [
        _draw_task(label, family, classes != label, config, draw)
        for label, ids in labels.items()
        if (classes != label).any()
        for family in config.choose(shape, ids) * config.number
    ]
    made: dict[int, Perturbation] = {}
    for family in dict.fromkeys(task.family for task in tasks):
        places = [place for place, task in enumerate(tasks) if task.family == family]
        if places:
            shaped = _shape(classifier, images, [tasks[place] for place in places], config, workers)
            made |= zip(places, shaped, strict=True)
    return [(made[place], task.label) for place, task in enumerate(tasks)]


def draw_distortions(
    shape: Shape, labels: Labels, config: DistortionConfig, draw: torch.Generator
) -> list[tuple[Perturbation, int]]:
    """Random members of the families named for each label, weak and strong, each with the label not to be answered.

    Args:
        shape: of an image.
        labels: and their families.
        config: settings.
        draw: of all randomness.
    """
    return [
        (_draw_member(family, draw), label)
        for label, ids in labels.items()
        for family in config.choose(shape, ids) * config.drawn
    ]


def _draw_member(family: Additive | Warp | Photometric, draw: torch.Generator) -> Perturbation:
    """Weak or strong; of an additive change a few cosines, of the others, which have few, all."""
    strength = WEAKEST + (STRONGEST - WEAKEST) * float(torch.rand((), generator=draw))
    if isinstance(family, Photometric):
        values = _draw_tone(family, draw)
    else:
        values = torch.randn(family.shape, generator=draw)
        if isinstance(family, Additive):
            values = values * _draw_few(family.shape[1:], draw)
        values = _scale(values, family.image)
    (member,) = separate(family, family.decode(strength * values[None]))
    return member


def _draw_tone(family: Photometric, draw: torch.Generator) -> Tensor:
    """Mostly the same everywhere, as photo filters are, with a slow change; a color matrix behind."""
    channels, height, width = family.image
    down, across = min(family.cosines, height), min(family.cosines, width)
    fade = 1.0 / (1 + torch.arange(down)[:, None] + torch.arange(across)).square()
    waves = _scale(fade * torch.randn(2 * channels, down, across, generator=draw), family.image)
    matrix = torch.randn(channels**2 if family.mixing else 0, generator=draw)
    return torch.cat([waves.flatten(), matrix])


def _scale(amplitudes: Tensor, image: Shape) -> Tensor:
    """Amplitudes `(fields, i, j)` such that the fields have a root mean square of 1."""
    size = math.sqrt(len(amplitudes) * math.prod(image[1:]))
    scaled: Tensor = amplitudes * (size / amplitudes.norm().clamp(min=TINY))
    return scaled


def _draw_few(grid: Sequence[int], draw: torch.Generator) -> Tensor:
    """1 at one to three random places of a grid, 0 elsewhere."""
    count = int(torch.randint(1, 4, (), generator=draw))
    places = torch.randperm(math.prod(grid), generator=draw)[:count]
    return torch.zeros(math.prod(grid)).index_fill(0, places, 1.0).view(*grid)


def _draw_task(label: int, family: Family, victims: Flags, config: DistortionConfig, draw: torch.Generator) -> _Task:
    chosen = torch.from_numpy(np.flatnonzero(victims))
    rows = torch.randint(len(chosen), (config.steps, config.samples), generator=draw)
    start = START * torch.randn(family.shape, generator=draw)
    return _Task(label=label, family=family, order=chosen[rows], start=start)


def _shape(
    classifier: nn.Module, images: Floats, tasks: Sequence[_Task], config: DistortionConfig, workers: Workers
) -> list[Perturbation]:
    """The distortions of tasks that are of one family."""
    device, family = device_of(classifier), tasks[0].family
    problem = Problem(
        family=family,
        respond=respond_to_images(classifier),
        objective=reach,
        samples=torch.from_numpy(images).to(device),
        labels=torch.tensor([task.label for task in tasks], device=device),
        starts=torch.stack([task.start for task in tasks]).to(device),
        order=torch.stack([task.order for task in tasks]).to(device),
    )
    shaping = Shrinking(
        problem,
        steps=config.steps,
        adam=AdamConfig(step_size=config.step_size),
        schedule=UNSHRUNK,
        most_rows=1,
        workers=workers,
    )
    shaping.run(Deadline())
    return separate(family, family.decode(shaping.values))
