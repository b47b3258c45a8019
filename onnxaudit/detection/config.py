"""Settings of the detection stage, and their only defaults."""

from dataclasses import dataclass, field

from onnxaudit.detectors.all_to_all import UniversalConfig
from onnxaudit.detectors.latent_inversion import LatentConfig
from onnxaudit.detectors.maximum_margin import MarginConfig
from onnxaudit.detectors.spectral import WavesConfig
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.inversion.schedule import Schedule
from onnxaudit.scoring.verdict import JudgementConfig


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
            steps=200,
            samples_per_step=10,
            step_size=0.3,
            schedule=Schedule(success=0.95, late=True, patience=50),
            confirming_samples=256,
        )
    )
    closer_runs: int = 1
    universal: UniversalConfig = field(default_factory=UniversalConfig)
    suspects: int = 5
    controls: int = 8
    fewest_settled: float = 0.9
    largest_share: float = 0.4
    judgement: JudgementConfig = field(default_factory=JudgementConfig)
