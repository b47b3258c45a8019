"""What is near by nature: the smallest trigger for each label in small networks that learned the clean images alone.

Which labels are near is mostly a matter of the images: trigger sizes of clean networks that learned the same ten
classes correlate over labels, whatever their architecture (`docs/explanation/how-it-decides.md`). A backdoor is not in
the clean images, so that networks which learned these alone (`surrogates.distillation`) are near the same labels but
not the target. With `s_mk` the size of the smallest trigger for label `k` in surrogate `m` of `M` (`inversion.patch`):

    expected_k = ρ · mean_m ln (median_j s_mj / s_mk),      ρ = max(0, 1 − within / (M · between))

where `within` is the mean over labels of the variance among surrogates and `between` the variance over labels of their
mean: where surrogates do not agree they say nothing. Labels of networks that learned little differ more than those of
good ones, so that the standard deviation over labels is brought down to .25 where it is larger. The ratio is
`exp(−expected_k)`: above one where the trigger ought to be larger than is normal. It singles out no label; the score
takes what is expected off what was found.

Surrogates have served attacks on networks that give no gradients (N. Papernot et al., Practical black-box attacks
against machine learning, 2017). Here they show what a network without a backdoor would be like.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.data.selection import choose_evenly
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.patch import sizes_of
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.forwards import compute_logits, to_floats, to_tensor
from onnxaudit.inversion.patch import InversionConfig, invert
from onnxaudit.inversion.readings import Readings
from onnxaudit.inversion.schedule import BRISK
from onnxaudit.records import Evidence, Ints, Samples
from onnxaudit.records.arrays import Doubles
from onnxaudit.surrogates.distillation import TrainingConfig, soften, train
from onnxaudit.workers import Workers

_APART = 7_919  # between the seeds of two surrogates
_LEAST_SIDE = 8  # three poolings leave nothing of less
_MOST_SPREAD = 0.25  # standard deviation over labels: that of clean networks which learned the same, on average
_AT_ONCE = 64  # large images that are made small together


@dataclass(frozen=True, kw_only=True)
class SurrogateConfig:
    """Settings of `SurrogateDetector`.

    Attributes:
        networks: so many surrogates; 0: nothing is measured.
        side: larger images are made smaller, so that neither side has more pixels.
        most_images: so many clean images at most teach.
        fewest_classes: with fewer nothing is measured: among so few labels sizes say nothing of what is normal.
        fewest_images: nor with fewer a class, on average.
        training: of each surrogate.
        inversion: of the triggers.
        chunk_pixels: at most so many pixels go through the audited network at once, on one core.
    """

    networks: int = 3
    side: int = 32
    most_images: int = 2_000
    fewest_classes: int = 10
    fewest_images: float = 4.0
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inversion: InversionConfig = field(
        default_factory=lambda: InversionConfig(steps=60, samples_per_step=6, schedule=BRISK, confirming_samples=48)
    )
    chunk_pixels: int = 2**16

    def suffices(self, classes: int, images: int) -> bool:
        """Whether so many classes and clean images are enough for anything to be measured."""
        return self.networks > 0 and classes >= self.fewest_classes and images >= self.fewest_images * classes


@detector
@dataclass(frozen=True)
class SurrogateDetector(Detector):
    """How large a label's trigger is by nature."""

    id = "surrogate"
    title = "Surrogates"
    explanation = "How large the smallest trigger of the class is in small networks that learned the clean images alone"
    stage = "screening"
    words = Words(
        subject="from surrogates its trigger is expected",
        closer="larger",
        farther="smaller",
        progress="training surrogates on the clean images",
    )

    control = True
    efforts: ClassVar = {"quick": SurrogateConfig(networks=0)}
    of_large = SurrogateConfig(networks=0)  # never measured there, and what they take off could clear a target

    config: SurrogateConfig = SurrogateConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Ratios for `labels`; nothing where classes or images are too few, these too small or made by us.

        Raises:
            OutOfTimeError: the deadline passed while surrogates were trained.
        """
        lessons = _prepare(context, self.config)
        if lessons is None:
            return Evidence(detector=self.id)
        samples, answers = lessons
        images = torch.from_numpy(samples.images)
        config = self.config

        def run(number: int) -> dict[int, float]:
            seed = context.seed + _APART * number
            network = train(images, answers, config.training, seed=seed, deadline=context.deadline)
            found = invert(network, samples, labels, config.inversion, seed=seed, deadline=context.deadline)
            return sizes_of(found)

        with Workers(torch.device("cpu")) as workers:
            sizes = workers.map(run, range(config.networks))
        table = np.array([[mine.get(label, np.nan) for label in labels] for mine in sizes], dtype=np.float64)
        expected = expect(table)
        ratios = {label: float(np.exp(-one)) for label, one in zip(labels, expected, strict=True) if np.isfinite(one)}
        return Evidence(detector=self.id, ratios=ratios, complete=not context.deadline.passed)


def expect(sizes: Doubles) -> Doubles:
    """How many times smaller than is normal a label's trigger is by nature, as a logarithm, `(labels,)`.

    Args:
        sizes: of the smallest triggers, `(surrogates, labels)`; NaN where none was found.

    Returns:
        NaN for labels of which fewer than two surrogates tell, and for all where there are fewer than three of these.
    """
    known = np.isfinite(sizes).sum(axis=0) >= min(2, len(sizes))
    expected = np.full(sizes.shape[1], np.nan)
    if known.sum() < 3 or len(sizes) < 2:
        return expected
    logs = np.log(np.nanmedian(sizes[:, known], axis=1, keepdims=True)) - np.log(np.maximum(sizes[:, known], 1e-6))
    means = np.nanmean(logs, axis=0)
    within, between = float(np.nanmean(np.nanvar(logs, axis=0, ddof=1))), float(means.var())
    reliability = max(0.0, 1 - within / (len(sizes) * between)) if between > 0 else 0.0
    agreed = reliability * (means - np.median(means))
    expected[known] = agreed * min(1.0, _MOST_SPREAD / max(float(agreed.std()), 1e-6))
    return expected


def _prepare(context: Context, config: SurrogateConfig) -> tuple[Samples, Tensor] | None:
    """Clean images made small, with their labels, and the audited network's softened answers to them."""
    count = len(context.known) + len(context.unseen)
    if context.known.synthetic or not config.suffices(context.classes, count):
        return None
    parts = [
        _take(context, samples, read, config)
        for samples, read in ((context.known, context.of_known), (context.unseen, context.of_unseen))
        if len(samples)
    ]
    images = torch.cat([small for small, _, _ in parts])
    if min(images.shape[2:]) < _LEAST_SIDE:
        return None
    labels = np.concatenate([labels for _, labels, _ in parts])
    samples = Samples(images=images.numpy(), labels=labels, source=context.known.source)
    logits = center(torch.cat([logits for _, _, logits in parts]), torch.from_numpy(labels))
    return samples, soften(logits, config.training.temperature)


def center(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits `(n, classes)`, those of each class less its mean over the images of other classes.

    A backdoor raises its target in the answers to clean images too, which is not to be passed on: the surrogates of a
    VGG of signs with a TrojanNN backdoor had a trigger for its target 1.8 times smaller than is normal, 1.2 times so.
    """
    of_others = labels[:, None] != torch.arange(logits.shape[1])
    means = (logits * of_others).sum(dim=0) / of_others.sum(dim=0).clamp_min(1)
    return logits - means


def _take(
    context: Context, samples: Samples, read: Readings | None, config: SurrogateConfig
) -> tuple[Tensor, Ints, Tensor]:
    """Of one half: images `(n, c, h, w)`, labels `(n,)` and the network's answers `(n, classes)`."""
    assert samples.labels is not None
    chosen = choose_evenly(len(samples), samples.labels, config.most_images // 2)
    taken = samples.take(chosen)
    if read is None:
        logits = compute_logits(context.classifier, taken.images, config.chunk_pixels)
    else:
        logits = read.logits[chosen]
    small = torch.cat([_shrink(part, config.side) for part in torch.split(to_tensor(taken.images), _AT_ONCE)])
    return small, samples.labels[chosen], torch.from_numpy(logits)


def _shrink(images: Tensor, side: int) -> Tensor:
    """Images of which neither side has more than `side` pixels, as means of areas."""
    height, width = images.shape[2:]
    share = min(1.0, side / max(height, width))
    smaller = max(1, round(height * share)), max(1, round(width * share))
    return to_floats(images) if share == 1.0 else F.adaptive_avg_pool2d(to_floats(images), smaller)
