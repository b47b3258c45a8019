"""The bytes of a model file and of the external data it names, as one protobuf held in memory."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.formats import SAVED_MODEL_FILE, recognise_file, recognise_folder

PROTOBUF_LIMIT = 2**31 - 1  # bytes; protobuf neither parses nor writes more
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
    """

    proto: onnx.ModelProto
    sha256: str
    bytes: int


@dataclass(frozen=True)
class FileDigests:
    """SHA-256 of a model's files.

    Attributes:
        model: of the file itself.
        data: of each external data file, by its location.
        combined: of all, as in `ModelFile`.
    """

    model: str
    data: Mapping[str, str]
    combined: str


def read_proto(path: Path) -> ModelFile:
    """Read and parse a model file.

    Raises:
        ModelError: missing, unreadable, empty, too large, truncated, not ONNX, or its external data are
            missing or outside its folder.
    """
    data = _read_bytes(path)
    proto = _parse(path, data)
    sources = _find_data_files(path, proto)
    size = len(data) + sum(source.stat().st_size for source in sources.values())
    if size > PROTOBUF_LIMIT:
        raise ModelError(f"{path}: with its external data larger than 2 GiB, which is not supported")
    digests = _digest(data, sources)
    _take_in_external(path, proto)
    return ModelFile(proto, digests.combined, size)


def parse_file(path: Path) -> onnx.ModelProto:
    """The model in a file, without its external data.

    Raises:
        ModelError: missing, unreadable, empty, too large, truncated, or not ONNX.
    """
    return _parse(path, _read_bytes(path))


def digest_files(path: Path) -> FileDigests:
    """The digests of a model file and of the external data it names.

    Raises:
        ModelError: as for `read_proto`.
    """
    data = _read_bytes(path)
    return _digest(data, _find_data_files(path, _parse(path, data)))


def _find_data_files(path: Path, proto: onnx.ModelProto) -> dict[str, Path]:
    """By location, in the order of the locations."""
    locations = sorted({_location(tensor) for tensor in _external_tensors(proto)})
    return {location: _data_file(path, location) for location in locations}


def _digest(data: bytes, sources: Mapping[str, Path]) -> FileDigests:
    combined, digests = hashlib.sha256(data), {}
    for location, source in sources.items():
        with source.open("rb") as file:
            found = hashlib.file_digest(file, "sha256")
        digests[location] = found.hexdigest()
        combined.update(found.digest())
    return FileDigests(hashlib.sha256(data).hexdigest(), digests, combined.hexdigest())


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise ModelError(f"{path}: no such file; give the path of an ONNX model")
    if path.is_dir():
        raise ModelError(f"{path}: {recognise_folder(path)}")
    if not path.is_file():
        raise ModelError(f"{path}: not a regular file; give the path of an ONNX model")
    size = path.stat().st_size
    if size == 0:
        raise ModelError(f"{path}: the file is empty; export or copy the model again")
    if size > PROTOBUF_LIMIT:
        raise ModelError(f"{path}: {size / 2**30:.1f} GiB; an ONNX file larger than 2 GiB cannot be read")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _parse(path: Path, data: bytes) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        if _ends_early(data):
            raise ModelError(f"{path}: the ONNX file is truncated; copy or export it again") from error
        raise ModelError(f"{path}: {_describe(path, data)}") from error
    if not proto.HasField("graph") or not proto.graph.node:
        what = "the ONNX file is truncated or holds no graph; export the model again"
        if not proto.ir_version or path.name == SAVED_MODEL_FILE:
            what = _describe(path, data)
        raise ModelError(f"{path}: {what}")
    return proto


def _describe(path: Path, data: bytes) -> str:
    found = recognise_file(path, data)
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


def _external_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    graphs = [proto.graph]
    nodes = [node for function in proto.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            nodes.extend(graph.node)
            yield from (t for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL)
            continue
        for attribute in nodes.pop().attribute:
            graphs.extend([*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs])
            tensors = [attribute.t, *attribute.tensors]
            yield from (t for t in tensors if t.data_location == onnx.TensorProto.EXTERNAL)


def _location(tensor: onnx.TensorProto) -> str:
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def _data_file(path: Path, location: str) -> Path:
    folder = path.parent.resolve()
    source = (folder / location).resolve()
    if not location or not source.is_relative_to(folder):
        raise ModelError(
            f"{path}: external data {location!r} lie outside the model's folder; refused: put both in one folder, "
            "links followed (`cp -rL`)"
        )
    if not source.is_file():
        raise ModelError(f"{path}: external data {location!r} are missing; put the file beside the model")
    return source


def _take_in_external(path: Path, proto: onnx.ModelProto) -> None:
    for tensor in _external_tensors(proto):
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent.resolve()))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise ModelError(f"{path}: external data of tensor {tensor.name!r} are damaged or truncated") from error
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
