"""What a model file says of itself beside its graph: who made it, which version it is, and its own notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.reader import parse_file


@dataclass(frozen=True)
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
    """

    producer: str
    domain: str
    version: int
    description: str
    ir_version: int
    opsets: Mapping[str, int]
    notes: Mapping[str, str]


def read_metadata(path: Path) -> FileMetadata:
    """What the file at `path` says; its external data are not looked at.

    Raises:
        ModelError: it cannot be read, or is no model.
    """
    proto = parse_file(path)
    return FileMetadata(
        producer=f"{proto.producer_name} {proto.producer_version}".strip(),
        domain=proto.domain,
        version=proto.model_version,
        description=proto.doc_string,
        ir_version=proto.ir_version,
        opsets={"" if one.domain in STANDARD_DOMAINS else one.domain: one.version for one in proto.opset_import},
        notes={one.key: one.value for one in proto.metadata_props},
    )
