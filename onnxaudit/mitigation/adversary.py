"""Make known triggers work again on a network that has learnt to ignore them.

    minimize over u, v   mean_x cross_entropy(g((1 − m)·x + m·δ), y_t),   m = a · sigmoid(u), δ = sigmoid(v)

`g` is the network as tuned so far; `a` is 1 near the place of the given trigger, else 0.

Source: the inner step of adversarial training (A. Madry et al., Towards deep learning models resistant to adversarial
attacks, ICLR 2018), for one pattern on all images.

Differs from the source: an inverted trigger is the smallest part of the real one that suffices, at the same place.
So the mask may grow and the pattern change, but only near where the mask was: what is learnt from the result
reaches the real trigger, and costs less accuracy than a trigger that may go anywhere.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking, respond_to_images
from onnxaudit.inversion.objectives import reach
from onnxaudit.inversion.schedule import UNSHRUNK
from onnxaudit.mitigation.augmentation import count_places
from onnxaudit.perturbations.patch import Patch
from onnxaudit.records import Floats
from onnxaudit.workers import Workers, count_rows, cut_tensor

OPEN = 0.02  # sigmoids start at least so far from their ends, or they would hardly move


@dataclass(frozen=True)
class HardeningConfig:
    """Settings.

    Attributes:
        steps: of Adam.
        samples: images a step.
        step_size: of Adam, in the space of `u` and `v`.
        footprint: where the mask exceeds this share of its largest value is the trigger's place.
        reach: how far around its place the mask may grow, as a share of the image's shorter side, or of a series'
            length.
        chunk_pixels: pixels, channels aside, that go through the network at once on each core.
    """

    steps: int = 40
    samples: int = 24
    step_size: float = 0.2
    footprint: float = 0.1
    reach: float = 0.06
    chunk_pixels: int = 2**15


def harden(
    classifier: nn.Module,
    images: Floats,
    triggers: Tensor,
    labels: Tensor,
    config: HardeningConfig,
    *,
    draw: torch.Generator,
    workers: Workers,
) -> Tensor:
    """Triggers for the same labels, at the same places, that work better.

    Args:
        classifier: logits of images; its weights frozen.
        images: clean images `(n, c, h, w)`.
        triggers: `(k, 1 + c, h, w)`, mask then pattern.
        labels: `(k,)`, the label of each.
        config: settings.
        draw: of samples.
        workers: take a trigger each.

    Returns:
        Masks and patterns like `triggers`.
    """
    order = torch.stack([torch.randperm(len(images), generator=draw)[: config.samples] for _ in range(config.steps)])
    pixels = torch.from_numpy(images).to(triggers.device)

    def improve(part: Tensor) -> Tensor:
        return _improve(classifier, pixels, order.to(pixels.device), triggers[part], labels[part], config=config)

    most = count_rows(config.chunk_pixels, config.samples * images[0, 0].size, triggers.device)
    return torch.cat(workers.map(improve, cut_tensor(torch.arange(len(triggers)), most)))


def _improve(
    classifier: nn.Module, pixels: Tensor, order: Tensor, triggers: Tensor, labels: Tensor, *, config: HardeningConfig
) -> Tensor:
    channels, height, width = pixels.shape[1:]
    family = Patch(image=(channels, height, width), within=_surroundings(triggers[:, :1], config))
    problem = Problem(
        family=family,
        respond=respond_to_images(classifier),
        objective=_reach_all,
        samples=pixels,
        labels=labels,
        starts=torch.logit(triggers.clamp(OPEN, 1 - OPEN)),
        order=order.expand(len(triggers), -1, -1),  # all triggers see the same images
    )
    with Workers(pixels.device) as alone:
        hardening = Shrinking(
            problem,
            steps=config.steps,
            adam=AdamConfig(step_size=config.step_size),
            schedule=UNSHRUNK,
            most_rows=len(triggers),  # `within` is theirs, row by row: never cut
            workers=alone,
            even=False,
        )
        hardening.run(Deadline())
    return torch.cat(family.decode(hardening.values), dim=1)


def _reach_all(logits: Tensor, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """The sum in place of the mean."""
    entropy, obeying = reach(logits, labels, index)
    return entropy * index.shape[1], obeying


def _surroundings(masks: Tensor, config: HardeningConfig) -> Tensor:
    """1 near each mask's place, else 0, `(k, 1, h, w)`."""
    places = (masks > config.footprint * masks.amax(dim=(1, 2, 3), keepdim=True)).to(masks.dtype)
    reach = count_places(config.reach, masks)
    return F.max_pool2d(places, 2 * reach + 1, stride=1, padding=reach)
