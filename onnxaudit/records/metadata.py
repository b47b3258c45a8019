"""What a model file says of itself beside its graph: who made it, which version it is, and its own notes."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FileMetadata:
    """Words of the file's author, unchecked.

    Attributes:
        producer: the program that wrote the file, with its version.
        domain: of the model, a reversed domain name.
        version: of the model; 0 where it has none.
        description: the model's doc string.
        ir_version: of the file format.
        opsets: version of each operator domain; "" is ONNX's own.
        notes: `metadata_props`, by key.
        locations: the files of external data that belong to it, below its folder.
    """

    producer: str
    domain: str
    version: int
    description: str
    ir_version: int
    opsets: Mapping[str, int]
    notes: Mapping[str, str]
    locations: tuple[str, ...] = ()
