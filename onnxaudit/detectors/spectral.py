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
from dataclasses import dataclass

from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.inversion.labels import LabelsConfig, measure_sizes
from onnxaudit.perturbations.spectral import Spectral
from onnxaudit.records import Floats, Ints


@dataclass(frozen=True)
class WavesConfig(LabelsConfig):
    """Settings of `measure_waves`: those of an inversion, with steps in amplitudes.

    Attributes:
        step_size: of Adam, in amplitudes.
        unit: the strength at which the penalty is `λ`.
    """

    step_size: float = 0.03
    unit: float = 0.5


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
    _, channels, height, width = images.shape
    family = Spectral(image=(channels, height, width))
    return measure_sizes(classifier, images, others, family, config, seed=seed, deadline=deadline)
