"""What is known of a model without running it."""

from dataclasses import dataclass
from enum import StrEnum


class Layout(StrEnum):
    """Order of an input's axes: images, series of `w` time steps, or plain features.

    Inside, all are `(n, c, h, w)`: a series has height 1, features have height 1 and one channel.
    """

    NCHW = "NCHW"
    NHWC = "NHWC"
    NCW = "NCW"
    NWC = "NWC"
    NC = "NC"

    @property
    def unit(self) -> str:
        """What a mask counts."""
        return {Layout.NC: "features", Layout.NCW: "time steps", Layout.NWC: "time steps"}.get(self, "pixels")

    @property
    def is_image(self) -> bool:
        """Whether the input is a picture."""
        return self.unit == "pixels"


class ElementType(StrEnum):
    """Element type of an input, under numpy's name for it."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"

    @property
    def integral(self) -> bool:
        """Whether it holds whole numbers only."""
        return "int" in self.value


class OutputKind(StrEnum):
    """What the chosen output holds; a map is a score by the name of each class."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LABEL = "label"
    MAP = "map"


@dataclass(frozen=True)
class InputSpec:
    """The one input: `batch` is None where the file leaves it free."""

    name: str
    layout: Layout
    channels: int
    height: int
    width: int
    batch: int | None
    dtype: ElementType = ElementType.FLOAT32

    def shape(self, batch: int) -> tuple[int, ...]:
        """Sizes of so many inputs, axes in the model's own order."""
        match self.layout:
            case Layout.NCHW:
                return batch, self.channels, self.height, self.width
            case Layout.NHWC:
                return batch, self.height, self.width, self.channels
            case Layout.NCW:
                return batch, self.channels, self.width
            case Layout.NWC:
                return batch, self.width, self.channels
            case Layout.NC:
                return batch, self.width


@dataclass(frozen=True)
class OutputSpec:
    """The classifying output.

    Attributes:
        name: the graph output.
        classes: how many it tells apart; a single score tells two.
        kind: what it holds.
        logits: the tensor `(n, classes)` that optimization and margins use: the same, or what stands before the final
            Softmax, LogSoftmax, Sigmoid, ArgMax or TopK.
        source: where `logits` is no tensor of the vendor's graph, the one that it is made of; else "".
        single: whether `source` is one score `s` an image, of which the logits `(0, s)` are made.
    """

    name: str
    classes: int
    kind: OutputKind
    logits: str
    source: str = ""
    single: bool = False

    @property
    def answers(self) -> str:
        """The tensor `(n, classes)` whose largest entry is the answer."""
        return self.logits if self.source or self.kind in (OutputKind.LABEL, OutputKind.MAP) else self.name


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
