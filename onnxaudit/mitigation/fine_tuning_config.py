"""Settings of fine-tuning."""

from dataclasses import dataclass, field, replace
from typing import Literal, Self

from onnxaudit.mitigation.adversary import HardeningConfig
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.mitigation.distortions import DistortionConfig
from onnxaudit.records import Layout

CHUNK_OF_LARGE = 2**18  # pixels: gradients of many small weights are the cheaper, the more images share them


@dataclass(frozen=True)
class FineTuningConfig:
    """Settings.

    Attributes:
        starts: fresh inversions on the original before the first round; each may show another part of the trigger.
        rounds: most rounds.
        further_rounds: most rounds behind them, while a limit is missed.
        cooling: the step size falls by this share of itself over the rounds, and stays there.
        min_agreement: `q0`.
        max_success: limit of `S`.
        random_triggers: patches drawn for each target in each round, which join its triggers.
        layers: which may move: "all", or the "head", from the pruned layer on.
        shares: `α` of the networks between the pruned and the tuned one that are tried where the tuned one misses `q0`;
            the nearer the pruned one, the more of the backdoor comes back.
        distillation: of one round.
        hardening: of the triggers, between rounds.
        distortion: spectral, warp and photometric perturbations, made anew in every round against labels that they
            lead to.
    """

    starts: int = 3
    rounds: int = 3
    further_rounds: int = 3
    cooling: float = 0.8
    min_agreement: float = 0.97
    max_success: float = 0.10
    random_triggers: int = 8
    layers: Literal["all", "head"] = "all"
    shares: tuple[float, ...] = (0.95, 0.9, 0.85, 0.8)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    hardening: HardeningConfig = field(default_factory=HardeningConfig)
    distortion: DistortionConfig = field(default_factory=DistortionConfig)

    def shorten(self) -> Self:
        """The settings for large images, a pass of which takes tens of milliseconds: a fourth of the passes, or less.

        Deep networks do not stand the step sizes of small ones: a round begins again sooner, and cools down further.
        """
        return replace(
            self,
            starts=min(self.starts, 2),
            rounds=min(self.rounds, 3),
            further_rounds=min(self.further_rounds, 2),
            cooling=max(self.cooling, 0.9),
            distillation=replace(
                self.distillation,
                steps=min(self.distillation.steps, 80),
                batch=min(self.distillation.batch, 32),
                lost=max(self.distillation.lost, 0.9),
                chunk_pixels=max(self.distillation.chunk_pixels, CHUNK_OF_LARGE),
            ),
            hardening=replace(
                self.hardening, steps=min(self.hardening.steps, 15), samples=min(self.hardening.samples, 8)
            ),
            distortion=replace(
                self.distortion, steps=min(self.distortion.steps, 20), samples=min(self.distortion.samples, 8)
            ),
        )

    def fit_to(self, layout: Layout) -> Self:
        """The settings that fit inputs of a layout; the very same for images.

        A series may come a little earlier or later, but has no brightness and no contrast. Features have no neighbors
        either: nothing moves there, and what is near the place of a mask, where it may grow while it is made to work
        again, is every feature. Blends of two samples and noise on a trigger remain.
        """
        if layout.is_image:
            return self
        steady = replace(self.distillation.augmentation, brightness=0.0, contrast=0.0)
        hardening = self.hardening
        if layout is Layout.NC:
            steady = replace(steady, shift=0.0, trigger_shift=0)
            hardening = replace(hardening, reach=1.0)
        distillation = replace(self.distillation, augmentation=steady)
        distortion = replace(self.distortion, number=0)
        return replace(self, distillation=distillation, hardening=hardening, distortion=distortion)
