"""The bytes of a model file and of the external data it names, as one protobuf held in memory."""

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from onnxaudit.digests import FileDigests, digest_named
from onnxaudit.errors import ModelError
from onnxaudit.files import SAVED_MODEL_FILE
from onnxaudit.intake.escapes import list_escapes
from onnxaudit.intake.external import digest_data, find_place, list_external, read_data_files, take_in
from onnxaudit.intake.formats import recognize_file, recognize_folder
from onnxaudit.intake.wire import Survey, survey
from onnxaudit.records import Irregularity
from onnxaudit.staging import MISSING, MOST_OF_MODEL, read_named

IR_VERSION_TAG = b"\x08"  # the first byte of every ONNX file: fields are written in order
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types


@dataclass(frozen=True, eq=False)
class ModelFile:
    """What was read.

    Attributes:
        proto: the model, external data taken into its tensors.
        sha256: of the file; where there are external data, of the file followed by the SHA-256 of each data
            file in the order of their names.
        bytes: size of the file and its external data.
        repeated: fields that should occur once and occur again.
        unknown: whether it has fields that this version of ONNX does not know.
        escapes: what it tries through the names of its external data, of which none were read then.
    """

    proto: onnx.ModelProto
    sha256: str
    bytes: int
    repeated: tuple[str, ...] = ()
    unknown: bool = False
    escapes: tuple[Irregularity, ...] = ()


def read_proto(path: Path) -> ModelFile:
    """Read and parse a model file.

    Raises:
        ModelError: missing, unreadable, empty, too large, truncated, not ONNX, or its external data are
            missing or outside its folder.
    """
    data = _read_bytes(path)
    found, proto = _parse(path, data)
    escapes = list_escapes(path.name, proto)
    files = {} if escapes else read_data_files(path, proto, MOST_OF_MODEL - len(data))
    if not escapes:
        take_in(path, proto, files)
    return ModelFile(
        proto=proto,
        sha256=digest_data(data, files),
        bytes=len(data) + sum(content.size for content in files.values()),
        repeated=tuple(found.repeated),
        unknown=bool(found.unknown),
        escapes=escapes,
    )


def parse_file(path: Path) -> onnx.ModelProto:
    """The model in a file, without its external data.

    Raises:
        ModelError: missing, unreadable, empty, too large, truncated, or not ONNX.
    """
    return _parse(path, _read_bytes(path))[1]


def list_locations(path: Path, proto: onnx.ModelProto) -> tuple[str, ...]:
    """The files of external data that a model's digest is about; none of a file that names some outside its folder.

    Raises:
        ModelError: damaged, or no file.
    """
    if list_escapes(path.name, proto):  # a report about such a file speaks of its own bytes alone
        return ()
    return tuple(sorted({find_place(path, tensor).location for tensor in list_external(proto)}))


def digest_files(path: Path) -> FileDigests:
    """The digests of a model file and of the external data it names.

    Raises:
        ModelError: as for `read_proto`.
    """
    return digest_named(path, list_locations(path, parse_file(path)))


def read_if_regular(path: Path) -> bytes | None:
    """The bytes of a file, whatever it holds; None of what is no regular file, too large, or cannot be read."""
    try:
        return _read_bytes(path, empty=True)
    except ModelError:
        return None


def _read_bytes(path: Path, *, empty: bool = False) -> bytes:
    if not path.exists():
        raise ModelError(f"{path}: {MISSING}")
    if path.is_dir():
        raise ModelError(f"{path}: {recognize_folder(path)}")
    try:
        data = read_named(path, MOST_OF_MODEL)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if not data and not empty:
        raise ModelError(f"{path}: the file is empty; export or copy the model again")
    return data


def _parse(path: Path, data: bytes) -> tuple[Survey, onnx.ModelProto]:
    """What the walk over the bytes found, and the model.

    Raises:
        ModelError: a budget is passed, or this is no ONNX file.
    """
    proto = onnx.ModelProto()
    try:
        found = survey(data)
        proto.ParseFromString(data)
    except ModelError as error:
        # What is something else altogether should be told so, not that its bytes are too many.
        other = recognize_file(path, data)
        raise ModelError(f"{path}: {f'not an ONNX file but {other}' if other else error}") from error
    except DecodeError as error:
        if _ends_early(data):
            raise ModelError(f"{path}: the ONNX file is truncated; copy or export it again") from error
        raise ModelError(f"{path}: {_describe(path, data)}") from error
    if not proto.HasField("graph") or not proto.graph.node:
        what = "the ONNX file is truncated or holds no graph; export the model again"
        if not proto.ir_version or path.name == SAVED_MODEL_FILE:
            what = _describe(path, data)
        raise ModelError(f"{path}: {what}")
    if not found.whole:
        raise ModelError(f"{path}: the ONNX file is damaged; copy or export it again")
    return found, proto


def _describe(path: Path, data: bytes) -> str:
    found = recognize_file(path, data)
    return f"not an ONNX file but {found}" if found else "not an ONNX file; export the model again"


def _ends_early(data: bytes) -> bool:
    """Whether `data` reads like the fields of a `ModelProto` up to a last one that is longer than the rest."""
    if not data.startswith(IR_VERSION_TAG):
        return False
    known = {field.number for field in onnx.ModelProto.DESCRIPTOR.fields}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag >> 3 not in known:
            return False
        size, at = _field_size(data, at, tag & 7)
        at += size
    return at > len(data)


def _field_size(data: bytes, at: int, wire_type: int) -> tuple[int, int]:
    if wire_type == _LENGTH:
        return _varint(data, at)
    if wire_type == _VARINT:
        return 0, _varint(data, at)[1]
    return {_FIXED64: 8, _FIXED32: 4}.get(wire_type, 0), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at
    return value, len(data) + 1
