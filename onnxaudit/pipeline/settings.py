"""Settings of a scan, and what the names of efforts stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.detectors.base import Detector, Effort
from onnxaudit.detectors.registry import STANDARD, choose
from onnxaudit.errors import UsageError
from onnxaudit.records import InputSpec
from onnxaudit.scoring.settings import VerdictConfig

LARGEST_SMALL = 64 * 64  # pixels; for images up to here the constants of the verdict were fitted
RACERS = 5  # suspects, and as many controls, of large images
LATE = ("photometric", "spectral")  # they wait for suspects where passes are to be saved
SAMPLES_OF_LARGE = 512
UNSEEN_OF_LARGE = 48
COSTLY = (
    8_000_000_000  # multiplications for one image: a ResNet-50 at 224x224 makes half of them, a VGG-16 twice as many
)
SAMPLES_OF_COSTLY, SAMPLES_OF_A_CLASS = 256, 32
BRIEF = 1_000_000_000  # likewise: a ResNet-18 at 224x224 makes nearly twice as many, an EfficientNet-Lite0 half of them


@dataclass(frozen=True, kw_only=True)
class DetectionConfig:
    """Settings of `detect`.

    Attributes:
        detectors: ids of those that run, and with them what they require; "standard" stands for all of onnxaudit's own.
        settings: of detectors, by id, where they differ from those of the effort.
        effort: "quick", "standard" or "deep": which settings detectors take by themselves.
        most_labels: with more classes only a shortlist is screened.
        shortlist: so many labels each that a detector of all classes finds nearest are on it.
        drawn: so many labels drawn at random join them and show what is normal.
        suspects: so many labels with the strongest evidence are refined.
        controls: random other labels that are refined for comparison.
        watched: labels that are screened and refined whatever the evidence: a repair has to know what became of its
            targets.
        fewest_settled: the share of labels for which a trigger must be found; with less a model is never clean.
        most_late: the share of labels whose trigger further steps alone may find, likewise: their sizes tell nothing.
        largest_share: of the input that a usual trigger may cover; masks begin at a half and have to have shrunk.
        chunk_pixels: at most so many pixels (images x height x width) are classified at once, on one core.
        large: whether images are large: detectors then take their settings `of_large`.
        costly: whether they meet a network that takes long for a pass: detectors then take their settings `of_costly`.
        brief: whether gradients are computed in bfloat16, where the processor multiplies that by itself.
        late: ids of detectors of the screening that measure suspects and controls alone.
        replicates: so many times more `replicated` detectors run for as long as the score is near a limit.
        most_samples: so many clean samples at most are used.
        most_unseen: on so many unseen samples at most a trigger is tried.
        verdict: how evidence becomes a verdict.
    """

    detectors: tuple[str, ...] = (STANDARD,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    effort: Effort = "standard"
    most_labels: int = 100
    shortlist: int = 25
    drawn: int = 20
    suspects: int = 5
    controls: int = 8
    watched: tuple[int, ...] = ()
    fewest_settled: float = 0.9
    most_late: float = 0.25
    largest_share: float = 0.4
    chunk_pixels: int = 2**16
    large: bool = False
    costly: bool = False
    brief: bool = False
    late: tuple[str, ...] = ()
    replicates: int = 2
    most_samples: int = MOST_SAMPLES
    most_unseen: int = MOST_SAMPLES
    verdict: VerdictConfig = field(default_factory=VerdictConfig)

    def find_settings(self, kind: type[Detector]) -> Any:
        """The settings with which a detector runs."""
        if self.costly and kind.of_costly is not None:
            return self.settings.get(kind.id, kind.of_costly)
        if self.large and kind.of_large is not None:
            return self.settings.get(kind.id, kind.of_large)
        return self.settings.get(kind.id, kind.efforts.get(self.effort, make(kind).config))

    def leaves_out(self, kind: type[Detector], classes: int) -> bool:
        """Whether this effort skips a detector that takes passes at the standard one; given settings never do.

        One that measures suspects and controls alone skips a target that no other detector suspects. Of large images
        that is so at the standard effort too, by which the known models of that size were measured. Pairs of classes,
        which a race never searches, are left out where the standard scan of a small image would search them.
        """
        raced = self.large and self.effort == "standard"
        if kind.id in self.late and not raced and classes > self.suspects + self.controls:
            return kind.id not in self.settings
        usual = replace(self, effort="standard", large=False).find_settings(kind)
        passes = [make(kind, config).count_passes(classes) for config in (usual, self.find_settings(kind))]
        return kind.id not in self.settings and passes[0] > 0 == passes[1]

    def fit_to(self, taken: InputSpec) -> "DetectionConfig":
        """The same for models that take such inputs.

        Of large ones a pass takes tens of milliseconds, nearly all of it convolution: inversion becomes a race. Many
        labels run a little, those that lead and as many controls run on, and what is told of a whole image by two
        further detectors is measured for these alone. "deep" stays what it is, however long it takes.
        """
        large = taken.layout.is_image and taken.height * taken.width > LARGEST_SMALL
        if not large or self.large or self.effort == "deep":
            return self
        return replace(
            self,
            large=True,
            late=LATE,
            replicates=0,
            shortlist=min(self.shortlist, self.drawn),
            suspects=min(self.suspects, RACERS),
            controls=min(self.controls, RACERS),
            most_samples=min(self.most_samples, SAMPLES_OF_LARGE),
            most_unseen=min(self.most_unseen, UNSEEN_OF_LARGE),
        )

    def thin_out(self, multiply_adds: int, classes: int) -> "DetectionConfig":
        """The same for a network of large images that multiplies so often for one.

        From `BRIEF` on gradients are computed in bfloat16; from `COSTLY` on there are fewer samples, but of each class
        still 32, where somebody gives so many.
        """
        if not self.large or self.costly:
            return self
        thinned = replace(self, brief=self.brief or multiply_adds >= BRIEF)
        if multiply_adds < COSTLY:
            return thinned
        samples = max(SAMPLES_OF_COSTLY, SAMPLES_OF_A_CLASS * classes)
        return replace(thinned, costly=True, most_samples=min(self.most_samples, samples))

    def make_detectors(self) -> tuple[Detector, ...]:
        """The detectors that run, in their order.

        Raises:
            UsageError: one of them does not exist.
            PluginError: one of another package cannot be loaded.
        """
        return tuple(make(kind, self.find_settings(kind)) for kind in choose(self.detectors))

    def fill(self) -> "DetectionConfig":
        """The same with the settings of every detector that runs written out."""
        return replace(self, settings={one.id: one.config for one in self.make_detectors()})


def make(kind: type[Detector], *config: Any) -> Detector:
    """A detector with its usual settings, or with `config`."""
    made: Detector = kind(*config)
    return made


def choose_effort(effort: Effort) -> DetectionConfig:
    """Settings of a scan in the shortest time, of a gate, or of an inquiry.

    The constants of the verdict were fitted for `standard`. At `quick`, about a quarter of its passes, changes of whole
    images are measured for suspects and controls alone, and pairs of classes are left out.
    """
    usual = DetectionConfig(effort=effort)
    match effort:
        case "quick":
            return replace(usual, most_labels=50, suspects=3, controls=5, late=LATE, replicates=0)
        case "deep":
            return replace(usual, most_labels=300, shortlist=50, suspects=10, controls=12)
        case _:
            return usual


@dataclass(frozen=True)
class ScanConfig:
    """Settings of a scan, by stage."""

    detection: DetectionConfig = field(default_factory=DetectionConfig)


def choose_config(
    config: ScanConfig | None, effort: Effort | None, detectors: Sequence[str] | None = None
) -> ScanConfig:
    """The settings that a caller gave, or those of the effort that a caller named, with the detectors that are named.

    Raises:
        UsageError: both were given.
    """
    if effort is not None and config is not None:
        raise UsageError("effort and config both say how much work a scan does; give one of them")
    detection = choose_effort(effort) if effort is not None else (config or ScanConfig()).detection
    return ScanConfig(detection if detectors is None else replace(detection, detectors=tuple(detectors)))
