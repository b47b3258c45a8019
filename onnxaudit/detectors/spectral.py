"""The weakest change made of few waves for each label: evidence for triggers that are spread over the whole image.

For each label `t`, over samples `x` of other classes, minimise

    mean_x cross_entropy(f(clip(x + Σ_ij a_ij · wave_ij)), t)  +  λ · Σ_ij |a_ij| / u

over amplitudes `a` of cosines (type-II transform, the lower half of the frequencies) with Adam; the smallest sum at
which enough samples are sent to the label is kept. A sinusoid or a shade covers every pixel, so that its mask is large;
but it is made of few waves, where natural ways to a label take many.

After G. Tao et al., Better trigger inversion optimization in backdoor scanning, CVPR 2022, who parametrise additively.

Differs from the source: one change of either sign, in the frequency domain; the sum of amplitudes is penalised, which
makes the spectrum sparse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.adam import AdamConfig
from onnxaudit.inversion.engine import Problem, Shrinking, respond_to_images
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.objectives import reach
from onnxaudit.inversion.sampling import draw_orders, draw_starts
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.perturbations.spectral import Spectral
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers, count_rows


@dataclass(frozen=True)
class WavesConfig:
    """Settings of `measure_waves`.

    Attributes:
        steps: of Adam.
        samples_per_step: images a label and step.
        step_size: of Adam, in amplitudes.
        momentum: Adam's two decay rates.
        unit: the strength at which the penalty is `λ`.
        schedule: of the penalty on the strength.
        chunk_pixels: as for `InversionConfig`.
    """

    steps: int = 80
    samples_per_step: int = 8
    step_size: float = 0.03
    momentum: tuple[float, float] = (0.5, 0.9)
    unit: float = 0.5
    schedule: Schedule = field(default_factory=Schedule)
    chunk_pixels: int = 2**16


def measure_waves(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    config: WavesConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> dict[int, float]:
    """The strength of the weakest change found towards each label: the sum of amplitudes, in half the pixel range.

    Args:
        classifier: logits of images.
        images: `(n, c, h, w)` in [0, 1].
        others: positions in `images` of the samples of other classes, by label; none of them empty.
        config: all settings.
        seed: each label draws from a stream of its own.
        deadline: when it passes nothing is returned, because labels have to be compared at equal effort.

    Returns:
        By label; no entry for a label that was not reached.
    """
    if not others:
        return {}
    device, (_, channels, height, width) = device_of(classifier), images.shape
    family = Spectral(image=(channels, height, width))
    steps, each = config.steps, config.samples_per_step
    streams = [np.random.default_rng((seed, label)) for label in others]
    starts = draw_starts(family, streams, device)
    problem = Problem(
        family=family,
        respond=respond_to_images(classifier),
        objective=reach,
        samples=torch.from_numpy(images).to(device),
        labels=torch.tensor(list(others), device=device),
        starts=starts,
        order=draw_orders(others.values(), streams, steps=steps, each=each, device=device),
        unit=config.unit,
    )
    with Workers(device) as workers:
        shrinking = Shrinking(
            problem,
            steps=steps,
            adam=AdamConfig(step_size=config.step_size, momentum=config.momentum),
            schedule=config.schedule,
            most_rows=count_rows(config.chunk_pixels, each * height * width, device),
            workers=workers,
        )
        finished = shrinking.run(deadline)
    strengths = dict(zip(others, shrinking.sizes.tolist(), strict=True)) if finished else {}
    return {label: strength for label, strength in strengths.items() if np.isfinite(strength)}
