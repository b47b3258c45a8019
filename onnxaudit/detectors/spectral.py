"""The faintest pattern of few cosines for each label: evidence for triggers that are spread over the whole image (SIG).

For each label `t`, over samples `x` of other classes, minimize

    mean_x cross_entropy(f(clip(x + Σ_ij a_ij · cosine_ij)), t)  +  λ · Σ_ij |a_ij| / u

over amplitudes `a` of cosines (type-II transform, the lower half of the frequencies) with Adam; the smallest sum at
which enough samples are sent to the label is kept. A sinusoid or a shade covers every pixel, so that its mask is large;
but it is made of few cosines, where natural ways to a label take many.

After G. Tao et al., Better trigger inversion optimization in backdoor scanning, CVPR 2022, who parametrize additively.

In the score it hardly counts: small clean networks have a class that few cosines lead to, and with families of attacks
left out of the fit AUROC is .88 with and without it (93 models of ten classes and more). It tells which kind a trigger
is.

Differs from the source: one change of either sign, in the frequency domain; the sum of amplitudes is penalized, which
makes the spectrum sparse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.labels import LabelsConfig, measure_sizes
from onnxaudit.inversion.sample_orders import find_others
from onnxaudit.inversion.schedule import BRISK, RACE
from onnxaudit.perturbations.spectral import Spectral
from onnxaudit.records import Evidence, Floats, Ints


@dataclass(frozen=True)
class SpectralConfig(LabelsConfig):
    """Settings of `measure_strengths`: those of an inversion, with steps in amplitudes.

    Attributes:
        step_size: of Adam, in amplitudes.
        unit: the strength at which the penalty is `λ`.
    """

    step_size: float = 0.03
    unit: float = 0.5


@detector
@dataclass(frozen=True)
class SpectralDetector(Detector):
    """The faintest pattern of few cosines that leads to each label."""

    id = "spectral"
    title = "Spectral"
    explanation = "The faintest pattern of few cosines over the whole image that leads to the class"
    stage = "screening"
    words = Words(
        subject="the faintest spectral pattern that leads there is",
        closer="weaker",
        farther="stronger",
        progress="adding few cosines to whole images",
    )
    efforts: ClassVar = {
        "quick": SpectralConfig(steps=40, samples_per_step=6, step_size=0.1, schedule=BRISK),
        "deep": SpectralConfig(steps=200),
    }
    of_large = SpectralConfig(steps=24, samples_per_step=4, schedule=RACE)
    rule = "OA103"

    config: SpectralConfig = SpectralConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Strengths for `labels`."""
        others = find_others(context.classifier, context.known, labels, self.config.chunk_pixels)
        usable = {label: index for label, index in others.items() if len(index)}
        found = measure_strengths(
            context.classifier,
            context.known.images,
            usable,
            self.config,
            seed=context.seed,
            deadline=context.deadline,
        )
        return Evidence(
            detector=self.id,
            distances=found,
            unit="amplitudes in half the pixel range",
            complete=bool(found) or not context.deadline.passed,
            passes=self.count_passes(len(usable)),
        )

    def count_passes(self, labels: int) -> int:
        """All steps for all labels."""
        return self.config.count_passes(labels)


def measure_strengths(
    classifier: nn.Module,
    images: Floats,
    others: Mapping[int, Ints],
    config: SpectralConfig,
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
        By label. One that was not reached is farther than all that were, and as far as was tried; nothing if none was.
    """
    _, channels, height, width = images.shape
    family = Spectral(image=(channels, height, width))
    sizes = measure_sizes(classifier, images, others, family, config, seed=seed, deadline=deadline)
    return sizes.all if sizes.found else {}
