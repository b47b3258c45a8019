"""Settings of distillation."""

from dataclasses import dataclass, field

from onnxaudit.mitigation.augmentation import AugmentationConfig


@dataclass(frozen=True)
class DistillationConfig:
    """Settings of one round.

    Attributes:
        steps: of Adam.
        temperature: `T`, in standard deviations of the original's centered logits.
        batch: images a step.
        stamped: share of them that carry a trigger.
        distorted: share of them with a change of the whole image.
        stamped_weight: `w` of images with a trigger. It hides a part of the image: what the original answers to the
            whole is more than can be asked for.
        activations: `φ`.
        refusal: `s`.
        refusal_margin: `c`; how far below the others the label has to stay.
        step_size: Adam's largest; it rises over the first steps and falls to zero along a cosine.
        warmup: steps over which it rises.
        probe: clean images that are asked before the first step, and after those of `warmup`.
        lost: a round begins again with smaller steps where less than this share of their agreement with the original
            is left then.
        reach: how far each tensor of weights may go in a round, as a share of its norm; None: as far as it takes.
        way_back: gradients of stamped images are taken at weights moved back towards the original, by a share drawn
            up to this.
        copies: augmented copies of each clean image.
        most_values: pixels kept in augmented copies, at most: 256 MiB.
        chunk_pixels: pixels, channels aside, that go through the network at once on each core.
        augmentation: how images and triggers are changed.
    """

    steps: int = 160
    temperature: float = 1.0
    batch: int = 64
    stamped: float = 0.25
    distorted: float = 0.25
    stamped_weight: float = 0.1
    activations: float = 1.0
    refusal: float = 0.5
    refusal_margin: float = 0.2
    step_size: float = 3e-3
    warmup: int = 10
    probe: int = 64
    lost: float = 0.5
    reach: float | None = None
    way_back: float = 0.5
    copies: int = 80
    most_values: int = 2**26
    chunk_pixels: int = 2**15
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
