"""What a model file says of itself, read off it."""

from pathlib import Path

from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.reader import list_locations, parse_file
from onnxaudit.records import FileMetadata


def read_metadata(path: Path) -> FileMetadata:
    """What the file at `path` says; its external data are named and not looked at.

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
        locations=list_locations(path, proto),
    )
