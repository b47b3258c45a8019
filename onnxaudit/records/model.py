"""What is known of a model without running it."""

from dataclasses import dataclass
from enum import StrEnum


class Layout(StrEnum):
    """Order of an image input's axes behind the batch axis."""

    NCHW = "NCHW"
    NHWC = "NHWC"


class OutputKind(StrEnum):
    """What the chosen output holds."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class InputSpec:
    """The one image input: `batch` is None where the file leaves it free."""

    name: str
    layout: Layout
    channels: int
    height: int
    width: int
    batch: int | None


@dataclass(frozen=True)
class OutputSpec:
    """The classifying output.

    `name` is the graph output; `logits` the tensor that optimisation and margins use: the same, or what feeds
    the final Softmax.
    """

    name: str
    classes: int
    kind: OutputKind
    logits: str


@dataclass(frozen=True)
class ModelInfo:
    """Which model a report speaks of."""

    path: str
    sha256: str
    bytes: int
    opset: int
    producer: str
    input: InputSpec
    output: OutputSpec
