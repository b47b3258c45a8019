"""External data: tensors whose bytes lie in files beside the model, taken in by our own arithmetic.

Offsets and lengths are Python integers here, checked against the file and against what type and shape need; none of
the libraries opens a file that a model names.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnxaudit.errors import ModelError
from onnxaudit.intake.staging import read_beside
from onnxaudit.intake.tensors import count_bytes, list_tensors

DAMAGED = "are damaged or truncated"


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where a tensor's bytes lie: a file below the model's folder, where in it, and how many (None: what it needs)."""

    location: str
    offset: int
    length: int | None


def read_data_files(path: Path, proto: onnx.ModelProto, most: int) -> dict[str, bytes]:
    """The files that external tensors name, by location, in the order of the locations.

    Raises:
        ModelError: missing, outside the model's folder, behind a link, no regular file, or more than `most` bytes.
    """
    files: dict[str, bytes] = {}
    for location in sorted({find_place(path, tensor).location for tensor in list_external(proto)}):
        files[location] = _read(path, location, most - sum(map(len, files.values())))
    return files


def _read(path: Path, location: str, most: int) -> bytes:
    try:
        return read_beside(path.parent, location, most)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"{path}: external data {location!r} are missing; put the file beside the model") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: external data {location!r} cannot be read: {why}") from error


def digest_data(data: bytes, files: Mapping[str, bytes]) -> tuple[str, dict[str, str]]:
    """SHA-256 of all together, as `ModelFile` says, and of each data file."""
    combined, digests = hashlib.sha256(data), {}
    for location, content in files.items():
        found = hashlib.sha256(content)
        digests[location] = found.hexdigest()
        combined.update(found.digest())
    return combined.hexdigest(), digests


def take_in(path: Path, proto: onnx.ModelProto, files: Mapping[str, bytes]) -> None:
    """Put the bytes of external tensors into the tensors themselves.

    Raises:
        ModelError: a tensor names bytes that its file does not have, or another number of them than it needs.
    """
    for tensor in list_external(proto):
        place, content = find_place(path, tensor), files[find_place(path, tensor).location]
        needed = count_bytes(tensor)
        length = needed if place.length is None else place.length
        if needed is None or length is None or length != needed or place.offset + length > len(content):
            raise ModelError(f"{path}: external data of tensor {tensor.name!r} {DAMAGED}")
        tensor.raw_data = content[place.offset : place.offset + length]
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
