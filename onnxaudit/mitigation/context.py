"""What the stages of a repair are given, beside their settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnxaudit.intake.model import Model
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.records import Preprocessing, Profile, Samples, TargetLayer, Trigger
from onnxaudit.runtime import Runtime


@dataclass(frozen=True, kw_only=True, eq=False)
class PruningContext:
    """What neurons are taken out of, and against what.

    Attributes:
        network: runs the original, or what pruning for another target left of it.
        profile: both rankings of its target layer.
        trigger: the inverted trigger.
        target: the label that it leads to.
        original: runs the original; None where `network` does.
        further: other triggers that lead there; the one that works best decides.
        fitting: clean samples `X` for least squares.
        validation: `D_valid`, which alone decides, with the answers of the original.
        device: where the copy of what follows the layer runs.
    """

    network: Runtime
    profile: Profile
    trigger: Trigger
    target: int
    fitting: Samples
    validation: ReferenceSamples
    original: Runtime | None = None
    further: tuple[Trigger, ...] = ()
    device: str = "cpu"

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """All that lead to the target."""
        return (self.trigger, *self.further)

    @property
    def model(self) -> Model:
        """The network's graph."""
        return self.network.model

    @property
    def layer(self) -> TargetLayer:
        """Whose neurons go."""
        return self.profile.layer


@dataclass(frozen=True, kw_only=True, eq=False)
class TuningContext:
    """What is tuned, towards what, and on what.

    Attributes:
        original: the network as it came, whose answers are kept.
        pruned: where tuning starts.
        preprocessing: how pixels become inputs.
        layer: the pruned layer.
        neurons: its neurons that are held at zero.
        inputs: its inputs that are held at zero.
        fitting: clean samples `X`, which alone are trained on.
        validation: `D_valid`, which alone chooses.
        device: of the PyTorch copies.
        most_images: whose inner values are kept for the way back at one time on each core; None: as many as it takes.
    """

    original: Model
    pruned: Model
    preprocessing: Preprocessing
    layer: TargetLayer
    neurons: Sequence[int]
    inputs: Sequence[int] = ()
    fitting: ReferenceSamples
    validation: ReferenceSamples
    device: str = "cpu"
    most_images: int | None = None
