"""Changes of the whole image towards a label, as strong as their bounds allow: what a repair unlearns besides patches.

    minimize over u   mean_x cross_entropy(g(A(x)), y_t)      A additive, a warp or photometric, each within its bounds

A sinusoid, a warp, a photo filter are such changes, and have no mask worth the name: a network that has learnt to
ignore every mask may still obey them. Nothing is shrunk here; the families and their sources are in `perturbations`.
"""

from collections.abc import Sequence
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
START = 0.02  # spread of amplitudes at first


@dataclass(frozen=True)
class DistortionConfig:
    """Settings.

    Attributes:
        number: of each kind, for each label.
        change: bound of what a change adds to a pixel.
        flow: bound of a pixel's way, as a share of the image's shorter side.
        gain: bound of how much brighter or darker a tone makes a pixel, as a share of itself.
        offset: bound of what a tone adds to a pixel.
        waves: cosines of a flow, on each side; a change has half as many as the image has pixels.
        tone_waves: cosines of a tone, on each side.
        steps: of Adam.
        samples: images a step.
        step_size: of Adam, in the amplitudes of `u`.
    """

    number: int = 3
    change: float = 0.12
    flow: float = 0.05
    gain: float = 0.5
    offset: float = 0.3
    waves: int = 5
    tone_waves: int = 3
    steps: int = 60
    samples: int = 24
    step_size: float = 0.8

    def families(self, shape: Shape) -> tuple[Family, Family, Family]:
        """Of images of a shape: a change, a flow, a tone."""
        return (
            Additive(image=shape, bound=self.change),
            Warp(image=shape, bound=self.flow, cosines=self.waves),
            Photometric(image=shape, gain=self.gain, offset=self.offset, cosines=self.tone_waves),
        )


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
    labels: Sequence[int],
    config: DistortionConfig,
    *,
    draw: torch.Generator,
    workers: Workers,
) -> list[tuple[Perturbation, int]]:
    """Distortions of all kinds that lead to each of `labels`, within their bounds, each with its label.

    Args:
        classifier: logits of images; its weights frozen.
        images: clean images `(n, c, h, w)`.
        classes: of them `(n,)`; a label's own are left out.
        labels: where distortions are to lead.
        config: settings.
        draw: of starts and samples.
        workers: take a distortion each.
    """
    families = config.families((images.shape[1], *images.shape[2:]))
    tasks = [
        _draw_task(label, family, classes != label, config, draw)
        for label in labels
        if (classes != label).any()
        for family in families * config.number
    ]
    made: dict[int, Perturbation] = {}
    for family in families:
        places = [place for place, task in enumerate(tasks) if task.family is family]
        if places:
            shaped = _shape(classifier, images, [tasks[place] for place in places], config, workers)
            made |= zip(places, shaped, strict=True)
    return [(made[place], task.label) for place, task in enumerate(tasks)]


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
