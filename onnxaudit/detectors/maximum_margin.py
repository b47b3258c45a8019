"""How far each label can be driven ahead of all others, with no image at all: evidence that needs no trigger.

Source: H. Wang et al., MM-BD: post-training detection of backdoor attacks with arbitrary backdoor pattern types using a
maximum margin statistic, IEEE S&P 2024. For each label `t` maximize over images `x` in [0, 1], from noise,

    margin(f(x), t) = z_t − max of the other logits

A backdoor overfits: its label can be driven much further ahead than the others.

Differs from the source: few short ascents a label, all labels in one batch; a label's largest margin is compared with
the median of the others, without assuming a distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.comparison import fill_unreached
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.adam import Adam, AdamConfig
from onnxaudit.inversion.forwards import device_of, measure_margins
from onnxaudit.records import Evidence
from onnxaudit.workers import Workers, count_rows, cut, join


@dataclass(frozen=True)
class MaximumMarginConfig:
    """Settings of `maximize_margins`.

    Attributes:
        steps: of Adam.
        starts: random images a label.
        step_size: of Adam, in pixel values.
        chunk_pixels: as for `InversionConfig`.
        alone: whether nothing is measured where a detector before has ranked the classes already, in fewer passes.
    """

    steps: int = 40
    starts: int = 2
    step_size: float = 0.05
    chunk_pixels: int = 2**16
    alone: bool = False


@detector
@dataclass(frozen=True)
class MaximumMargin(Detector):
    """How far each label can be driven ahead of all others."""

    id = "maximum-margin"
    title = "Maximum margin"
    explanation = "How far ahead of the others the class comes on images made for that alone"
    stage = "shortlist"
    words = Words(
        subject="its largest margin is", closer="larger", farther="smaller", progress="driving classes ahead of others"
    )
    of_large = MaximumMarginConfig(steps=6, starts=1, step_size=0.2, alone=True)

    config: MaximumMarginConfig = MaximumMarginConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """The further a label can be driven ahead, the nearer it is: one over the margin."""
        if self.config.alone and any(found.distances for found in context.earlier.values()):
            return Evidence(detector=self.id)
        margins = maximize_margins(
            context.classifier,
            context.known.images.shape[1:],
            context.classes,
            self.config,
            seed=context.seed,
            deadline=context.deadline,
        )
        return Evidence(
            detector=self.id,
            distances=fill_unreached({label: 1 / margin for label, margin in margins.items()}, labels),
            unit="one over logits",
            complete=bool(margins) or not context.deadline.passed,
            passes=len(labels) * self.config.starts * self.config.steps,
        )

    def count_passes(self, labels: int) -> int:
        """All steps from all starts for all labels; none where another detector is expected to rank them."""
        return 0 if self.config.alone else labels * self.config.starts * self.config.steps


def maximize_margins(
    classifier: nn.Module,
    shape: tuple[int, int, int],
    classes: int,
    config: MaximumMarginConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> dict[int, float]:
    """The largest margin found for each label, in logits.

    Args:
        classifier: logits of images.
        shape: `(c, h, w)` of an image.
        classes: number of labels.
        config: all settings.
        seed: each label draws from a stream of its own.
        deadline: when it passes nothing is returned, because labels have to be compared at equal effort.

    Returns:
        By label; no entry for a label that never came ahead.
    """

    def ascend(labels: Sequence[int]) -> list[float] | None:
        return _ascend(classifier, shape, labels, config, seed=seed, deadline=deadline)

    device = device_of(classifier)
    per_part = count_rows(config.chunk_pixels, config.starts * shape[1] * shape[2], device)
    with Workers(device) as workers:
        margins = join(workers.map(ascend, cut(range(classes), per_part)))
    return {label: margin for label, margin in enumerate(margins) if margin > 0}


def _ascend(
    classifier: nn.Module,
    shape: tuple[int, int, int],
    labels: Sequence[int],
    config: MaximumMarginConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> list[float] | None:
    """Largest margins over all starts; None when the deadline passed."""
    if deadline.passed:
        return None
    device = device_of(classifier)
    noise = [np.random.default_rng((seed, label)).random((config.starts, *shape), dtype=np.float32) for label in labels]
    images = torch.from_numpy(np.concatenate(noise)).to(device, memory_format=torch.channels_last)
    rows, adam = torch.arange(len(images), device=device), Adam(images, AdamConfig(step_size=config.step_size))
    targets = torch.tensor(labels, device=device).repeat_interleave(config.starts)
    best = torch.full((len(targets),), -torch.inf, device=device)
    for step in range(config.steps):
        if deadline.passed:
            return None
        images = images.detach().requires_grad_(True)
        margins = measure_margins(classifier(images), targets)
        best = torch.fmax(best, margins.detach())
        (gradients,) = torch.autograd.grad(-margins.sum(), images)
        images = adam.step(rows, images.detach(), gradients, step + 1).clamp(0, 1)
    return best.view(len(labels), config.starts).amax(dim=1).tolist()
