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
        chunk_pixels: at most so many pixels (images x height x width) go through the network at once, on one core.
            Larger chunks fall out of the processor's cache: 512 images of 32x32 took 1.4 times as long as 64 or 128.
    """

    steps: int = 100
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
    chunk_pixels: int = 2**16


@dataclass(frozen=True)
class Schedule:
    """How a penalty on size is steered: see `Shrinking`.

    Attributes:
        success: share of samples that must obey.
        window: steps over which they are counted.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
    """

    success: float = 0.9
    window: int = 6
    first_penalty: float = 1.0
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15


@dataclass(frozen=True)
class LatentConfig:
    """Settings of `measure_shifts`.

    Attributes:
        steps: of Adam.
        samples: of other classes, for each label.
        margin: `κ`, as a share of the logits' spread.
        step_size: of Adam, as a share of the features' spread.
        schedule: of the penalty on a shift's length; every step sees all samples.
        most_values: at most so many feature values go through the network at once, on one core: 4 MiB.
    """

    steps: int = 150
    samples: int = 24
    margin: float = 0.1
    step_size: float = 0.1
    schedule: Schedule = field(default_factory=lambda: Schedule(window=1, first_penalty=0.1))
    most_values: int = 2**20


@dataclass(frozen=True)
class MarginConfig:
    """Settings of `maximise_margins`.

    Attributes:
        steps: of Adam.
        starts: random images a label.
        step_size: of Adam, in pixel values.
        chunk_pixels: as for `InversionConfig`.
    """

    steps: int = 40
    starts: int = 2
    step_size: float = 0.05
    chunk_pixels: int = 2**16


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


@dataclass(frozen=True)
class UniversalConfig:
    """Settings of `find_universal`.

    Attributes:
        steps: of Adam.
        starts: random beginnings.
        samples_per_step: images a start and step.
        step_size: of Adam, in the space of `u` and `v`.
        momentum: Adam's two decay rates.
        schedule: of the penalty on the mask.
        chunk_pixels: as for `InversionConfig`.
    """

    steps: int = 120
    starts: int = 3
    samples_per_step: int = 16
    step_size: float = 0.3
    momentum: tuple[float, float] = (0.5, 0.9)
    schedule: Schedule = field(default_factory=Schedule)
    chunk_pixels: int = 2**16


@dataclass(frozen=True)
class JudgementConfig:
    """Constants of the verdict: see `judgement`.

    Attributes:
        offset: `b`.
        synthetic_discount: taken off `b` where there are no clean images: on synthetic ones labels differ more.
        patch_weight: `w_p`.
        compactness_weight: `w_m`.
        waves_weight: `w_w`.
        natural_compactness: usual for the masks of natural triggers, whatever the model.
        fewest_compared: with fewer labels the most conspicuous one counts no more than among so many.
        least_spread: of `ln r` among labels; runs with other seeds differ by this much.
        usual_spread: taken where there are too few labels to measure it.
        fewest_for_spread: labels from which it is measured.
        full_distance: `z` from which closeness counts in full.
        unseen_success: share of unseen samples that a trigger must send to its label for its size to count.
        clean_below: a model is called clean only if its score is below this.
        fewest_destinations: share of the classes that an all-to-all trigger must send to labels of their own.
        universal_ratio: an all-to-all trigger this many times smaller than is normal speaks neither for nor against.
        universal_weight: log-odds for each factor e by which it is smaller.
    """

    offset: float = -0.1
    synthetic_discount: float = 1.5
    patch_weight: float = 1.38
    compactness_weight: float = 3.64
    waves_weight: float = 0.85
    natural_compactness: float = 0.35
    fewest_compared: int = 10
    least_spread: float = 0.15
    usual_spread: float = 0.25
    fewest_for_spread: int = 6
    full_distance: float = 4.0
    unseen_success: float = 0.6
    clean_below: float = 0.25
    fewest_destinations: float = 0.5
    universal_ratio: float = 3.5
    universal_weight: float = 3.0


@dataclass(frozen=True)
class DetectionConfig:
    """Settings of `detect`.

    Attributes:
        latent: shifts of inner features; all labels.
        most_labels: with more classes only a shortlist gets more than shifts and margins.
        margin: how far labels can be driven ahead; all labels, where there are so many.
        shortlist: so many labels each by the shortest shifts and by the largest margins.
        drawn: so many labels drawn at random join them and show what is normal.
        first: the first look, at all labels on the shortlist.
        waves: changes made of a few waves; all labels on the shortlist.
        closer: the closer look, at suspects and controls.
        closer_runs: from so many seeds; the smallest trigger counts.
        universal: the trigger that moves all classes.
        suspects: so many labels with the strongest evidence are looked at again.
        controls: random other labels that are looked at again for comparison.
        fewest_settled: the share of labels for which a trigger must be found; with less a model is never clean.
        largest_share: of the input that a usual trigger may cover; masks begin at a half and have to have shrunk.
        judgement: how evidence becomes a verdict.
    """

    latent: LatentConfig = field(default_factory=LatentConfig)
    most_labels: int = 100
    margin: MarginConfig = field(default_factory=MarginConfig)
    shortlist: int = 25
    drawn: int = 20
    first: InversionConfig = field(default_factory=InversionConfig)
    waves: WavesConfig = field(default_factory=WavesConfig)
    closer: InversionConfig = field(
        default_factory=lambda: InversionConfig(
            steps=200, samples_per_step=10, step_size=0.3, patience=50, confirming_samples=256
        )
    )
    closer_runs: int = 1
    universal: UniversalConfig = field(default_factory=UniversalConfig)
    suspects: int = 5
    controls: int = 8
    fewest_settled: float = 0.9
    largest_share: float = 0.4
    judgement: JudgementConfig = field(default_factory=JudgementConfig)
