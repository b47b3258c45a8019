"""Clean samples from TFRecord files: records that hold a `tf.train.Example` with a picture and its class.

Pictures are the bytes of a file (`image/encoded`, `image`), as TensorFlow Datasets and the converters of TensorFlow's
model garden write them; a class is a whole number or a name (`image/class/label`, `label`). Read with protobuf
alone: https://www.tensorflow.org/tutorials/load_data/tfrecord has the format. The check sum of a record's length is
compared; damage within a picture is found where it is decoded.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from onnxaudit.data.label_tables import LABEL_COLUMNS
from onnxaudit.data.picture_sets import PictureSet
from onnxaudit.data.pictures import Picture, StoredPicture
from onnxaudit.errors import DataError
from onnxaudit.records import Ints
from onnxaudit.regular_files import open_regular

PICTURES = ("image/encoded", "image", "image_raw", "img", "picture", "jpg", "png")
LABELS = ("image/class/label", "image/class/text", *LABEL_COLUMNS, "labels", "fine_label", "cls")
BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")  # of pictures
PACKED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")  # gzip, zlib
HEAD, FOOT = struct.Struct("<QI"), 4  # length and its check sum; the check sum of the record
MOST_RECORD = 2**27  # bytes
MOST_RECORDS = 2_000_000
POLYNOMIAL, ADDED = 0x82F63B78, 0xA282EAD8  # of CRC-32C, and what TFRecord adds to it


@dataclass(frozen=True, kw_only=True)
class Record:
    """Where an example lies, and which of its features is the picture."""

    file: Path
    number: int
    offset: int
    size: int
    picture: str

    def read(self) -> bytes:
        """The picture's bytes.

        Raises:
            OSError: the file cannot be read.
            DataError: it has been changed.
        """
        with open_regular(self.file) as file:
            file.seek(self.offset)
            features = _list_features(self.file, self.number, file.read(self.size))
        if self.picture not in features or not features[self.picture].bytes_list.value:
            raise DataError(f"{self.file}: record {self.number} has been changed while it was read")
        return bytes(features[self.picture].bytes_list.value[0])


def open_records(source: Path, files: Sequence[Path], names: tuple[str, ...]) -> PictureSet:
    """The samples of TFRecord files, one after the other.

    Args:
        source: what the user named.
        files: that hold them.
        names: of the features with the picture and with the class; empty where their usual names have to do.

    Raises:
        DataError: damaged, compressed, no pictures, or an example without a class where others have one.
    """
    found = [pair for file in files for pair in _read_records(file, names)]
    if not found:
        raise DataError(f"{source}: no records in it")
    records, labels = [record for record, _ in found], [label for _, label in found]
    known = [label for label in labels if label is not None]
    if known and len(known) < len(labels):
        bare = records[labels.index(None)]
        raise DataError(f"{bare.file}: record {bare.number}: no class, where other pictures have one")

    def take(rows: Ints) -> list[Picture]:
        chosen = [records[row] for row in rows.tolist()]
        return [
            StoredPicture(name=f"{one.file}: record {one.number}", load=partial(Record.read, one)) for one in chosen
        ]

    return PictureSet(source=source, count=len(records), labels=known or None, take=take)


def _read_records(file: Path, names: tuple[str, ...]) -> Iterator[tuple[Record, str | None]]:
    """Each record, and its class."""
    try:
        with open_regular(file) as opened:
            for number, (offset, content) in enumerate(_split(file, opened)):
                if number >= MOST_RECORDS:
                    raise DataError(f"{file}: more than {MOST_RECORDS:,} records in it; give fewer")
                features = _list_features(file, number, content)
                picture = _find_picture(f"{file}: record {number}", features, names)
                record = Record(file=file, number=number, offset=offset, size=len(content), picture=picture)
                yield record, _find_label(f"{file}: record {number}", features, names)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error


def _split(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Where each record begins, and its bytes."""
    place = 0
    while head := file.read(HEAD.size):
        if place == 0 and head.startswith(PACKED):
            raise DataError(f"{path}: compressed, or no TFRecord file; unpack it first")
        size, sum_of_size = HEAD.unpack(head) if len(head) == HEAD.size else (0, -1)
        if _mask(_sum_up(head[:8])) != sum_of_size:
            raise DataError(f"{path}: no TFRecord file, or it is damaged at byte {place}")
        if size > MOST_RECORD:
            raise DataError(f"{path}: a record is larger than {MOST_RECORD // 2**20} MiB; refused")
        content = file.read(size)
        if len(content) < size or len(file.read(FOOT)) < FOOT:
            raise DataError(f"{path}: ends within the record at byte {place}")
        yield place + HEAD.size, content
        place += HEAD.size + size + FOOT


def _list_features(file: Path, number: int, content: bytes) -> dict[str, Any]:
    from google.protobuf.message import DecodeError

    try:
        return dict(_parse(content).features.feature)
    except DecodeError as error:
        raise DataError(f"{file}: record {number} holds no tf.train.Example") from error


def _find_picture(where: str, features: dict[str, Any], names: tuple[str, ...]) -> str:
    """The name of the feature that is a picture."""
    stored = {name: feature.bytes_list.value for name, feature in features.items()}
    wanted = names[:1] or [name for name in PICTURES if stored.get(name)]
    wanted = wanted or [name for name, values in stored.items() if values and values[0].startswith(BEGINNINGS)]
    listed = ", ".join(sorted(features)[:12]) or "none"
    if not wanted:
        raise DataError(f"{where}: no picture among its features ({listed}); name them as in FILE.tfrecord:IMAGE,LABEL")
    found = stored.get(wanted[0], ())
    if len(found) != 1:
        raise DataError(f"{where}: feature {wanted[0]!r} holds no picture; its features are {listed}")
    if not found[0].startswith(BEGINNINGS):
        raise DataError(
            f"{where}: feature {wanted[0]!r} is no file of a picture such as PNG; give bare pixels as an .npz file"
        )
    return str(wanted[0])


def _find_label(where: str, features: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The class, a whole number as digits; None where there is none."""
    name = names[1] if len(names) > 1 else next((name for name in LABELS if name in features), None)
    if name is None:
        return None
    feature = features.get(name)
    values = [] if feature is None else [*feature.int64_list.value, *feature.bytes_list.value]
    if len(values) != 1:
        raise DataError(f"{where}: feature {name!r} holds no class: a whole number or a name")
    try:
        return values[0].decode("utf-8").strip() if isinstance(values[0], bytes) else str(values[0])
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: feature {name!r} holds no class: a whole number or a name") from error


def _parse(content: bytes) -> Any:
    return _define_example().FromString(content)


@cache
def _define_example() -> Any:
    """`tf.train.Example`, as TensorFlow defines it: features by name, each a list of bytes, floats or whole numbers."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="onnxaudit/example.proto", package="onnxaudit", syntax="proto3")
    kinds = {"BytesList": "TYPE_BYTES", "FloatList": "TYPE_FLOAT", "Int64List": "TYPE_INT64"}
    for name, kind in kinds.items():
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind, label="LABEL_REPEATED")
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(kinds, start=1):
        own = {"name": f"{name.removesuffix('List').lower()}_list", "number": number, "oneof_index": 0}
        feature.field.add(**own, type="TYPE_MESSAGE", type_name=f".onnxaudit.{name}", label="LABEL_OPTIONAL")
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry", options={"map_entry": True})
    entry.field.add(name="key", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    message = {"type": "TYPE_MESSAGE", "number": 1}
    value = {**message, "number": 2, "type_name": ".onnxaudit.Feature", "label": "LABEL_OPTIONAL"}
    entry.field.add(name="value", **value)
    kept = {**message, "type_name": ".onnxaudit.Features.FeatureEntry", "label": "LABEL_REPEATED"}
    features.field.add(name="feature", **kept)
    example = file.message_type.add(name="Example")
    example.field.add(name="features", **message, type_name=".onnxaudit.Features", label="LABEL_OPTIONAL")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("onnxaudit.Example"))


def _sum_up(content: bytes) -> int:
    """CRC-32C of a few bytes."""
    total = 0xFFFFFFFF
    for byte in content:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ (POLYNOMIAL if total & 1 else 0)
    return total ^ 0xFFFFFFFF


def _mask(total: int) -> int:
    return ((total >> 15 | total << 17) + ADDED) & 0xFFFFFFFF
