"""External data: tensors whose bytes lie in files beside the model, taken in by our own arithmetic.

Offsets and lengths are Python integers here, checked against the file and against what type and shape need; none of
the libraries opens a file that a model names.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnxaudit.digests import read_data
from onnxaudit.errors import ModelError
from onnxaudit.intake.tensors import count_bytes, list_tensors
from onnxaudit.staging import Read, Span

DAMAGED = "are damaged or truncated"


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where a tensor's bytes lie: a file below the model's folder, where in it, and how many (None: what it needs)."""

    location: str
    offset: int
    length: int | None


def read_data_files(path: Path, proto: onnx.ModelProto, most: int) -> dict[str, Read]:
    """What tensors use of the files that they name, by location, in the order of the locations.

    The files may be larger than what is used of them: other models may share them, and padding is common.

    Raises:
        ModelError: missing, outside the model's folder, behind a link, no regular file, or more than `most` bytes are
            used.
    """
    spans: dict[str, set[Span]] = {}
    for tensor in list_external(proto):
        place = find_place(path, tensor)
        spans.setdefault(place.location, set()).add(_span(path, tensor, place))
    used = sum(end - start for found in spans.values() for start, end in found)
    if used > most:
        raise ModelError(f"{path}: its tensors take {used / 2**30:.1f} GiB; more than 2 GiB cannot be read")
    return {location: read_data(path, location, spans[location]) for location in sorted(spans)}


def _span(path: Path, tensor: onnx.TensorProto, place: Place) -> Span:
    """Which bytes of its file a tensor uses.

    Raises:
        ModelError: another number than type and shape need.
    """
    needed = count_bytes(tensor)
    if needed is None or place.length not in (None, needed):
        raise ModelError(f"{path}: external data of tensor {tensor.name!r} {DAMAGED}")
    return place.offset, place.offset + needed


def digest_data(data: bytes, files: Mapping[str, Read]) -> str:
    """SHA-256 of all together, as `FileDigests` says."""
    combined = hashlib.sha256(data)
    for content in files.values():
        combined.update(content.digest)
    return combined.hexdigest()


def take_in(path: Path, proto: onnx.ModelProto, files: Mapping[str, Read]) -> None:
    """Put the bytes of external tensors into the tensors themselves.

    Raises:
        ModelError: a tensor names bytes that its file does not have, or another number of them than it needs.
    """
    for tensor in list_external(proto):
        place = find_place(path, tensor)
        start, end = _span(path, tensor, place)
        content = files[place.location].parts[start, end]
        if len(content) < end - start:
            raise ModelError(f"{path}: external data of tensor {tensor.name!r} {DAMAGED}")
        tensor.raw_data = content
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def find_place(path: Path, tensor: onnx.TensorProto) -> Place:
    """Where the bytes of an external tensor lie.

    Raises:
        ModelError: offset or length is no number.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    numbers = {}
    for key in ("offset", "length"):
        text = entries.get(key, "")
        if text and not (text.isascii() and text.isdigit() and len(text) < 20):
            raise ModelError(f"{path}: external data of tensor {tensor.name!r} {DAMAGED}: {key} {text[:40]!r}")
        numbers[key] = int(text) if text else None
    return Place(location=entries.get("location", ""), offset=numbers["offset"] or 0, length=numbers["length"])


def list_external(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Tensors whose data are external, those of nested graphs and of functions too."""
    return (tensor for tensor in list_tensors(proto) if tensor.data_location == onnx.TensorProto.EXTERNAL)
