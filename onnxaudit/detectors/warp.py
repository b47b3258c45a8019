"""The mildest warp for each label: evidence for triggers that move pixels and paint none.

For each label `t`, over samples `x` of other classes, minimize

    mean_x cross_entropy(f(x(p + flow(p))), t)  +  λ · rms(flow) / u

over the amplitudes of a flow of five by five cosines, rows and columns apart, with Adam; the mildest flow at which
enough samples are sent to the label is kept. On a clean model a warp that turns every class into one has to tear images
apart, where there is one at all; a label that none reaches counts as far away as was tried.

After A. Nguyen and A. Tran, WaNet, ICLR 2021, whose attack this finds, and C. Xiao et al., Spatially transformed
adversarial examples, ICLR 2018.

Its evidence weighs nothing in the score: fitted with it, models of attacks that were left out are found no better
(AUROC .979 with and without, on 63 models of ten classes and more). It tells which kind a trigger is, on which repair
relies, so that suspects and controls alone are measured.

Differs from the sources: one flow for all samples of a label, of few cosines; its size is shrunk as a mask's is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnxaudit.detectors.base import Context, Detector, Words
from onnxaudit.detectors.family import measure_family
from onnxaudit.detectors.registry import detector
from onnxaudit.inversion.labels import Conventions, LabelsConfig
from onnxaudit.inversion.schedule import BRISK, RACE
from onnxaudit.perturbations.warp import Warp
from onnxaudit.records import Evidence, Floats

BOUND = 0.3  # of the shorter side: far beyond what could pass for the same image
CONVENTIONS = Conventions(even=False)  # gradients of five by five cosines are rounded by how many rows there are


@dataclass(frozen=True)
class WarpConfig(LabelsConfig):
    """Settings of the warp detector: those of an inversion.

    Attributes:
        step_size: of Adam, in amplitudes.
        unit: the displacement at which the penalty is `λ`, as a share of the shorter side.
    """

    step_size: float = 0.3
    unit: float = 0.1


@detector
@dataclass(frozen=True)
class WarpDetector(Detector):
    """The mildest warp that leads to each label."""

    id = "warp"
    title = "Warp"
    explanation = "The mildest smooth warp of the image that leads to the class"
    stage = "refinement"
    words = Words(
        subject="the mildest warp that leads there is", closer="milder", farther="stronger", progress="warping images"
    )
    efforts: ClassVar = {
        "quick": WarpConfig(steps=40, samples_per_step=6, schedule=BRISK),
        "deep": WarpConfig(steps=200),
    }
    of_large = WarpConfig(steps=24, samples_per_step=4, schedule=RACE)
    rule = "OA105"

    config: WarpConfig = WarpConfig()

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Sizes for `labels`."""
        return measure_family(
            self.id, context, labels, _choose_family(context.known.images), self.config, conventions=CONVENTIONS
        )

    def count_passes(self, labels: int) -> int:
        """All steps for all labels."""
        return self.config.count_passes(labels)


def _choose_family(images: Floats) -> Warp:
    _, channels, height, width = images.shape
    return Warp(image=(channels, height, width), bound=BOUND)
