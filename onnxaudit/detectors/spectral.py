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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.sampling import draw_order
from onnxaudit.inversion.shrinking import Schedule, Shrinking, descend
from onnxaudit.perturbations.cosines import add_up
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers, count_rows, cut, join


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


START_NOISE = 1e-3  # enough to tell amplitudes apart; more would have to be shrunk away first
TINY = 1e-8  # keeps the gradient of a root finite at zero


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
    pixels = torch.from_numpy(images).to(device_of(classifier))

    def weaken(part: Sequence[int]) -> list[float] | None:
        return _weaken(classifier, pixels, {label: others[label] for label in part}, config, seed, deadline)

    each = config.samples_per_step * images.shape[2] * images.shape[3]
    per_part = count_rows(config.chunk_pixels, each, pixels.device)
    with Workers(pixels.device) as workers:
        strengths = join(workers.map(weaken, cut(list(others), per_part)))
    return {label: strength for label, strength in zip(others, strengths, strict=False) if np.isfinite(strength)}


def measure_strength(amplitudes: Tensor, height: int, width: int) -> Tensor:
    """`(rows,)`, colours together."""
    return (amplitudes.square().sum(dim=1) + TINY).sqrt().sum(dim=(1, 2)) / math.sqrt(height * width)


def _weaken(
    classifier: nn.Module,
    pixels: Tensor,
    others: Mapping[int, Ints],
    config: WavesConfig,
    seed: int,
    deadline: Deadline,
) -> list[float] | None:
    """Smallest strengths; None when the deadline passed."""
    (channels, height, width), rows, device = pixels.shape[1:], len(others), pixels.device
    streams = [np.random.default_rng((seed, label)) for label in others]
    amplitudes = _draw_starts((channels, max(1, height // 2), max(1, width // 2)), streams).to(device)
    amplitudes.requires_grad_(True)
    order = _draw_orders(others, streams, config).to(device)
    adam = torch.optim.Adam([amplitudes], lr=config.step_size, betas=config.momentum)
    shrinking = Shrinking(rows, config.schedule, device)
    targets = torch.tensor(list(others), device=device).repeat_interleave(config.samples_per_step)
    for step in range(config.steps):
        if deadline.passed:
            return None
        changed = (pixels[order[:, step]] + add_up(amplitudes, height, width)[:, None]).clamp(0, 1).flatten(0, 1)
        logits = classifier(changed.contiguous(memory_format=torch.channels_last))
        entropy = F.cross_entropy(logits, targets, reduction="none").view(rows, -1).mean(dim=1)
        # `argmax` takes a NaN for the largest.
        hits = (logits.argmax(dim=1) == targets) & ~logits.isnan().any(dim=1)
        strengths = measure_strength(amplitudes, height, width)
        shrinking.update(strengths, hits.float().view(rows, -1).mean(dim=1))
        descend((entropy + shrinking.penalty * strengths / config.unit).sum(), amplitudes, adam)
    return shrinking.best.tolist()


def _draw_starts(shape: tuple[int, ...], streams: Sequence[np.random.Generator]) -> Tensor:
    """Faint noise."""
    noise = [START_NOISE * stream.standard_normal(shape, dtype=np.float32) for stream in streams]
    return torch.from_numpy(np.stack(noise))


def _draw_orders(others: Mapping[int, Ints], streams: Sequence[np.random.Generator], config: WavesConfig) -> Tensor:
    orders = [
        draw_order(index, config.steps, config.samples_per_step, stream)
        for index, stream in zip(others.values(), streams, strict=True)
    ]
    return torch.from_numpy(np.stack(orders))
