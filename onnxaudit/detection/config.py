"""Settings of the detection stage, and their only defaults."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class InversionConfig:
    """Settings of `invert`.

    Attributes:
        steps: at most so many steps of Adam a label.
        samples_per_step: images a label and step.
        success: share of samples that a trigger must send to its label.
        window: steps over which success is counted.
        step_size: of Adam, in the space of `u` and `v`.
        momentum: Adam's two decay rates; the source's.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
        patience: a label whose best mask has not shrunk for so many steps is settled.
        improvement: the least relative shrinking that counts.
        confirming_samples: at most so many images confirm a trigger in the end.
        boosts: added to `u` in turn until the trigger is confirmed.
        chunk_pixels: at most so many pixels (images x height x width) go through the network at once. Larger
            chunks fall out of the processor's cache: 128 images of 32x32 ran fastest, 512 took 1.4 times as long.
    """

    steps: int = 120
    samples_per_step: int = 8
    success: float = 0.95
    window: int = 6
    step_size: float = 0.4
    momentum: tuple[float, float] = (0.5, 0.9)
    first_penalty: float = 1.0
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15
    patience: int = 40
    improvement: float = 0.01
    confirming_samples: int = 64
    boosts: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
    chunk_pixels: int = 2**17


@dataclass(frozen=True)
class LatentConfig:
    """Settings of `measure_shifts`.

    Attributes:
        steps: of Adam.
        samples: of other classes, for each label.
        success: share of them that a shift must send to its label.
        margin: `κ`, as a share of the logits' spread.
        step_size: of Adam, as a share of the features' spread.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
        most_values: at most so many feature values go through the network at once: 64 MiB.
    """

    steps: int = 150
    samples: int = 24
    success: float = 0.9
    margin: float = 0.1
    step_size: float = 0.1
    first_penalty: float = 0.1
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15
    most_values: int = 2**24


@dataclass(frozen=True)
class DetectionConfig:
    """Settings of `detect`.

    Attributes:
        first: the first look, at all labels.
        closer: the closer look, at suspects and controls.
        latent: shifts of inner features, for all labels.
        suspects: at least so many of the smallest labels are looked at again.
        latent_suspects: so are so many of the labels with the shortest shifts.
        suspect_index: so is every label whose log index at the first look exceeds this.
        controls: random other labels that are looked at again for comparison.
        most_targets: at most this share of the labels can be targets; the others show what is normal.
        fewest_classes: with fewer, no label can stick out from the others.
        fewest_settled: the share of labels for which a trigger must be found; with less there is no verdict.
        unseen_success: share of unseen samples that a target's trigger must send to it.
        clean_below: a model is called clean only if its score is below this.
        latent_weight: how much the length of a shift counts beside the size of a trigger. Shifts of innocent labels
            vary about half as much.
        neutral_ratio: a label this many times closer than is normal speaks neither for nor against a backdoor.
        neutral_probability: a closeness this improbable among all labels speaks neither for nor against a backdoor.
        ratio_weight: log-odds for each factor e by which a label is closer.
        rarity_weight: log-odds for each factor 10 by which its closeness is less probable.
    """

    first: InversionConfig = field(default_factory=InversionConfig)
    closer: InversionConfig = field(
        default_factory=lambda: InversionConfig(
            steps=250, samples_per_step=12, step_size=0.3, patience=60, confirming_samples=256
        )
    )
    latent: LatentConfig = field(default_factory=LatentConfig)
    suspects: int = 5
    latent_suspects: int = 2
    suspect_index: float = 2.0
    controls: int = 10
    most_targets: float = 0.3
    fewest_classes: int = 6
    fewest_settled: float = 0.9
    unseen_success: float = 0.6
    clean_below: float = 0.1
    latent_weight: float = 2.0
    neutral_ratio: float = 3.5
    neutral_probability: float = 0.01
    ratio_weight: float = 3.0
    rarity_weight: float = 1.0
