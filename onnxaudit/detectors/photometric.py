"""The faintest photo filter for each label: evidence for triggers that change brightness, contrast and colors alone.

For each label `t`, over samples `x` of other classes, minimize

    mean_x cross_entropy(f(clip((1 + gain) · (x + M·x) + offset)), t)  +  λ · size(gain, offset, M) / u

over fields `gain` and `offset` of three by three cosines a channel and a color matrix `M` with Adam; the faintest at
which enough samples are sent to the label is kept. Some classes are near by nature: the dark or the bright ones, those
of one color. So the lead over the next label tells as well as the ratio to the median.

After Y. Liu et al., ABS, CCS 2019, whose filter attacks this finds, and M. Gharbi et al., Deep bilateral learning for
real-time image enhancement, SIGGRAPH 2017.

Differs from the sources: one map for all samples of a label, of very few cosines; its size is shrunk as a mask's is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.family import measure_family
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.labels import LabelsConfig
from onnxaudit.inversion.schedule import BRISK, RACE
from onnxaudit.perturbations.photometric import Photometric
from onnxaudit.records import Evidence, Floats

BOUND = 1.0  # of gain, offset and mixing: as far as pixels go


@dataclass(frozen=True)
class PhotometricConfig(LabelsConfig):
    """Settings of the photometric detector: those of an inversion.

    Attributes:
        step_size: of Adam, in amplitudes and entries of the matrix.
        unit: the size at which the penalty is `λ`, in pixel ranges.
    """

    step_size: float = 0.3
    unit: float = 0.1


@detector
@dataclass(frozen=True)
class PhotometricDetector(Detector):
    """The faintest photo filter that leads to each label."""

    id = "photometric"
    title = "Photometric"
    explanation = "The faintest change of brightness, contrast and colors over the whole image that leads to the class"
    stage = "screening"
    words = Words(
        subject="the faintest photometric change that leads there is",
        closer="fainter",
        farther="stronger",
        progress="changing brightness, contrast and colors",
    )
    efforts: ClassVar = {
        "quick": PhotometricConfig(steps=40, samples_per_step=6, schedule=BRISK),
        "deep": PhotometricConfig(steps=200),
    }
    of_large = PhotometricConfig(steps=24, samples_per_step=4, schedule=RACE)
    rule = "OA106"

    config: PhotometricConfig = PhotometricConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Sizes for `labels`."""
        return measure_family(self.id, context, labels, _choose_family(context.known.images), self.config)

    def count_passes(self, labels: int) -> int:
        """All steps for all labels."""
        return self.config.count_passes(labels)


def _choose_family(images: Floats) -> Photometric:
    _, channels, height, width = images.shape
    return Photometric(image=(channels, height, width), gain=BOUND, offset=BOUND, mixing=BOUND)
