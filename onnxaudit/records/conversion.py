"""What another framework's file became, and how far it computes the same."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """An ONNX file made of another framework's.

    Attributes:
        source: the file or folder.
        kind: what that is, in words.
        sha256: of the source; of a folder, of the names and contents below it.
        packages: those that converted it, with their versions.
        inputs: so many random ones were given to both.
        max_difference: the largest between two outputs, as a share of the same input's largest output or of 1.
        agreement: share of the inputs for which both have the same largest output.
    """

    source: str
    kind: str
    sha256: str
    packages: dict[str, str]
    inputs: int
    max_difference: float
    agreement: float
