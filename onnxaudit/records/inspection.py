"""What a model file holds, and whether this machine can work on it; told after a first run."""

from dataclasses import dataclass
from typing import Literal

from onnxaudit.records.irregularity import Irregularity
from onnxaudit.records.memory import MemoryPlan
from onnxaudit.records.model import ModelInfo
from onnxaudit.records.repair import TargetLayer


@dataclass(frozen=True)
class TensorInfo:
    """An input or output as the file declares it; a free axis has a name or "?"."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class OperatorUse:
    """One operator of a file: how many nodes there are of it, nested graphs included, and whether it can be copied."""

    domain: str
    name: str
    nodes: int
    supported: bool


@dataclass(frozen=True)
class LayerInfo:
    """One node with stored weights: shape of the largest, multiplications and additions for one input where known."""

    name: str
    operator: str
    weights: tuple[int, ...]
    multiply_adds: int | None


@dataclass(frozen=True)
class Inspection:
    """What `onnxaudit inspect` tells.

    Attributes:
        path: the file.
        sha256: of its bytes.
        bytes: its size, external data included.
        exporter: what wrote it, as it says itself.
        ir_version: of the file format.
        opsets: version by domain.
        inputs: all of them.
        outputs: all of them.
        parameters: stored numbers.
        operators: all of them, the most frequent first.
        layers: nodes with weights, in the order of the file.
        model: what would be audited; None where it cannot be.
        target_layer: whose neurons a repair would prune; None where none is found.
        multiply_adds: of one input through the whole model; None where shapes are not known.
        seconds: of one processor core for a scan, roughly; None where it cannot be told.
        obstacles: what stands against a scan or a repair, one sentence each.
        irregularities: what the file does against an audit: a scan would reject it.
        memory: what a scan would keep to; None where nobody knows how much there is, or where it cannot begin.
        untried: what could not be tried here, one sentence each, so that it is not known whether a scan would begin.
    """

    path: str
    sha256: str
    bytes: int
    exporter: str
    ir_version: int
    opsets: dict[str, int]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    parameters: int
    operators: tuple[OperatorUse, ...]
    layers: tuple[LayerInfo, ...]
    model: ModelInfo | None
    target_layer: TargetLayer | None
    multiply_adds: int | None
    seconds: float | None
    obstacles: tuple[str, ...]
    irregularities: tuple[Irregularity, ...] = ()
    memory: MemoryPlan | None = None
    untried: tuple[str, ...] = ()

    @property
    def scannable(self) -> bool:
        """Whether a scan would begin; not, where that could not be tried."""
        return self.model is not None and not self.untried


@dataclass(frozen=True)
class Check:
    """One thing that `onnxaudit doctor` looked at.

    Attributes:
        name: what.
        status: whether it works; a warning still lets everything run.
        detail: what was found.
        advice: what to do about it, else "".
    """

    name: str
    status: Literal["ok", "warning", "error"]
    detail: str
    advice: str = ""
