"""What is to be converted: known before anything that converts is loaded, as gate machines have none of it."""

from dataclasses import dataclass
from pathlib import Path

from onnxaudit.conversion.kinds import Kind


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is converted, and how.

    Attributes:
        source: the file or folder.
        kind: what it is.
        python: the interpreter of the environment in which the framework is; None for this one.
        shape: of one input, without the batch; None where the source tells.
        size: height and width, likewise.
        signature: which of a SavedModel's; None for the one that is served.
    """

    source: Path
    kind: Kind
    python: Path | None = None
    shape: tuple[int, ...] | None = None
    size: tuple[int, int] | None = None
    signature: str | None = None
