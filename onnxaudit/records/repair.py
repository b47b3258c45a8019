"""What a repair looks at and what it does."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from onnxaudit.records.detection import Rate


class NeuronAxis(StrEnum):
    """What a neuron of the target layer is."""

    OUTPUTS = "outputs"  # a row of the layer: weights and bias are zeroed
    INPUTS = "inputs"  # a feature that feeds the layer: its column is zeroed


Ranking = Literal["activation", "weight", "efficiency"]
"""By what a neuron came to be tried."""
FitOutcome = Literal["kept", "dropped", "none"]
"""What became of a least-squares fit."""


@dataclass(frozen=True)
class TargetLayer:
    """The fully connected layer whose neurons, or the convolution whose channels, are profiled and pruned.

    Attributes:
        name: node name (or output tensor where the node has none).
        nodes: the nodes that form it, several where parallel layers are added together.
        weights: its weight initializers, one a parallel branch.
        biases: its bias initializers.
        output: tensor behind the layer, before any activation.
        activation: tensor behind the activation node; equals `output` where there is none. With axis
            INPUTS: the tensor that feeds the layer.
        neurons: how many.
        axis: whether a neuron is a row (output) or a column (input).
    """

    name: str
    nodes: tuple[str, ...]
    weights: tuple[str, ...]
    biases: tuple[str, ...]
    output: str
    activation: str
    neurons: int
    axis: NeuronAxis


@dataclass(frozen=True)
class NeuronProfile:
    """One neuron in both rankings; ranks count from 1."""

    neuron: int
    activation: float
    clean_activation: float
    weight: float
    activation_rank: int
    weight_rank: int


@dataclass(frozen=True)
class Profile:
    """Step 2 of the method for one layer: neurons in their own order."""

    layer: TargetLayer
    neurons: tuple[NeuronProfile, ...]


@dataclass(frozen=True)
class PruningRound:
    """One trial of the pruning loop, kept or rolled back.

    Attributes:
        target: the label whose trigger was to weaken.
        neurons: the neuron tried, or several where a group was tried.
        ranking: the list it came from, or "efficiency".
        axis: whether it is a neuron of the layer or one of its inputs.
        agreement: `Q_i` on validation samples.
        success_rate: `S_i` on triggered validation samples.
        margin: mean of `z_target − max other` on triggered validation samples.
        kept: whether the prune stays.
        reason: why, for people.
        fit: what became of the least-squares fit of the next layer.
    """

    target: int
    neurons: tuple[int, ...]
    ranking: Ranking
    agreement: Rate
    success_rate: Rate
    margin: float
    kept: bool
    reason: str
    fit: FitOutcome = "none"
    axis: NeuronAxis = NeuronAxis.OUTPUTS


@dataclass(frozen=True)
class Measurement:
    """A model's figures on clean and triggered samples; None or no trials where labels or triggers lack.

    Triggered samples are of other classes than the target. Of several triggers the one counts for which a figure is
    worst. A sample without a label is of the class that the original gives it.

    Attributes:
        accuracy: clean accuracy (PA): share of samples answered by their label.
        agreement: share of `D_valid` answered as the original does (fidelity, `Q`).
        success_rate: share of samples with an inverted trigger answered by the target (ASR, `S`).
        known_success_rate: likewise with the trigger given by `--known-trigger`.
        poisoned_accuracy: share of samples with an inverted trigger answered by their own class (PACC); None in
            reports of earlier versions.
        known_poisoned_accuracy: likewise with the trigger given by `--known-trigger`.
    """

    accuracy: Rate
    agreement: Rate
    success_rate: Rate
    known_success_rate: Rate | None = None
    poisoned_accuracy: Rate | None = None
    known_poisoned_accuracy: Rate | None = None


@dataclass(frozen=True, kw_only=True)
class Reactivation:
    """How fast a trigger is learned for one label.

    Attributes:
        label: what triggered images were called in fine-tuning.
        rates: share of triggered held-out images that get it (ASR), before and after each number of steps.
    """

    label: int
    rates: tuple[Rate, ...]

    @property
    def rise(self) -> float:
        """By how much the ASR has risen, in the mean over all numbers of steps; below zero where it fell."""
        start, *later = (rate.value or 0.0 for rate in self.rates)
        return sum(later) / len(later) - start if later else 0.0


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """Whether a repaired model has forgotten a trigger of its target class, or only hides it.

    Attributes:
        steps: of fine-tuning on clean images, with a few triggered ones, after which ASR was measured; from 0.
        target: with the target class.
        controls: with other classes in its place.
        shares: of the straight way from the repaired to the original weights; from 0 to 1.
        path: ASR there.
        excess: by how much the target's ASR rises more than the controls', in the mean over the steps, in [−1, 1].
    """

    steps: tuple[int, ...]
    target: Reactivation
    controls: tuple[Reactivation, ...]
    shares: tuple[float, ...]
    path: tuple[Rate, ...]
    excess: float


@dataclass(frozen=True, kw_only=True)
class RepairCandidate:
    """One of the networks among which fine-tuning chose, measured on validation samples.

    Attributes:
        round: of fine-tuning, from 1; 0 is the pruned network.
        share: of the way from the pruned network to that round's.
        agreement: share of `D_valid` answered as the original does.
        success_rate: ASR of the strongest trigger that was found.
        divergence: mean Kullback-Leibler divergence of its answers from the original's, in nats.
        chosen: whether it was chosen.
    """

    round: int
    share: float
    agreement: Rate
    success_rate: Rate
    divergence: float
    chosen: bool = False


@dataclass(frozen=True)
class WeightChange:
    """How much of one initializer a repair moved: entries changed, and the L2 norm of the difference."""

    initializer: str
    changed: int
    total: int
    norm: float


@dataclass(frozen=True)
class Removal:
    """What became of the pruned neurons where they were to be taken out of the graph.

    Attributes:
        neurons: those that are out.
        kept: why each of the others stays, at zero, by neuron.
        bytes_before: size of the file with all of them at zero.
        bytes_after: size of the file without those that are out.
        deviation: largest difference between both files' logits on clean images.
    """

    neurons: tuple[int, ...]
    kept: dict[int, str]
    bytes_before: int
    bytes_after: int
    deviation: float
