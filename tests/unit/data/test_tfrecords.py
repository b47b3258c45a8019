"""Pictures and classes from TFRecord files, written byte by byte as the format says."""

import gzip
import struct
from pathlib import Path

import pytest

from onnxaudit.data.samples import load_samples
from onnxaudit.data.sizes import measure_size
from onnxaudit.errors import DataError
from onnxaudit.records import Layout
from tests.unit.data.test_picture_sets import CLASSES, NAMES, PNGS, SPEC, check

REAL = bytes.fromhex("1200000000000000241f64250a100a0e0a056c6162656c12051a030a0107368c84b9")
"""What TensorFlow 2.21 wrote for a feature `label` with the whole number 7."""


def sum_up(content: bytes) -> int:
    total = 0xFFFFFFFF
    for byte in content:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ (0x82F63B78 if total & 1 else 0)
    total ^= 0xFFFFFFFF
    return ((total >> 15 | total << 17) + 0xA282EAD8) & 0xFFFFFFFF


def field(number: int, content: bytes) -> bytes:
    """A field of bytes in protobuf's coding."""
    size, coded = len(content), b""
    while size > 127:
        coded += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + coded + bytes([size]) + content


def make_example(**features: bytes | int) -> bytes:
    """`tf.train.Example` with features of bytes or of small whole numbers; `__` in a name stands for a slash."""
    entries = b""
    for name, value in features.items():
        kind = field(1, field(1, value)) if isinstance(value, bytes) else field(3, field(1, bytes([value])))
        entries += field(1, field(1, name.replace("__", "/").encode()) + field(2, kind))
    return field(1, entries)


def write(path: Path, *examples: bytes) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    with path.open("wb") as file:
        for content in examples:
            head = struct.pack("<Q", len(content))
            file.write(head + struct.pack("<I", sum_up(head)) + content + struct.pack("<I", 0))
    return path


def make_all(picture: str = "image", label: str = "label") -> list[bytes]:
    examples: list[dict[str, bytes | int]] = [
        {picture: data, label: value} for data, value in zip(PNGS, CLASSES, strict=True)
    ]
    return [make_example(**features) for features in examples]


@pytest.mark.parametrize("names", [("image", "label"), ("image__encoded", "image__class__label"), ("photo", "y")])
def test_pictures_and_classes_under_the_usual_names(tmp_path: Path, names: tuple[str, str]) -> None:
    path = write(tmp_path / "set.tfrecord", *make_all(*names))
    check(path)
    assert measure_size(path, Layout.NCHW) == (8, 10)


def test_what_tensorflow_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "set.tfrecord").write_bytes(REAL)
    with pytest.raises(DataError, match=r"record 0: no picture among its features \(label\)"):
        load_samples(tmp_path / "set.tfrecord", SPEC, 3)
    assert write(tmp_path / "own.tfrecord", make_example(label=7)).read_bytes()[:-4] == REAL[:-4]


def test_features_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "set.tfrecord", *make_all("a__photo", "a__answer"))
    check(path, labels=None)
    check(f"{path}:a/photo,a/answer")
    with pytest.raises(DataError, match=r"feature 'none' holds no picture; its features are a/answer, a/photo"):
        load_samples(f"{path}:none", SPEC, 3)


def test_classes_may_be_names(tmp_path: Path) -> None:
    examples = [
        make_example(image=data, label=NAMES[value].encode()) for data, value in zip(PNGS, CLASSES, strict=True)
    ]
    assert check(write(tmp_path / "set.tfrecords", *examples)) == tuple(NAMES)


def test_shards_of_a_split_are_one_set_and_several_splits_are_none(tmp_path: Path) -> None:
    examples = make_all()
    write(tmp_path / "birds-test.tfrecord-00000-of-00002", *examples[:1])
    write(tmp_path / "birds-test.tfrecord-00001-of-00002", *examples[1:])
    check(tmp_path)
    write(tmp_path / "birds-train.tfrecord-00000-of-00001", *examples)
    with pytest.raises(DataError, match=r"several splits \(test, train\)"):
        load_samples(tmp_path, SPEC, 3)


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([make_example(label=1)], r"record 0: no picture among its features \(label\)"),
        ([make_example(image=bytes(30), label=1)], "is no file of a picture such as PNG; give bare pixels"),
        ([*make_all()[:1], make_example(image=PNGS[0])], "record 1: no class, where other pictures have one"),
        ([make_example(image=PNGS[0], label=b"\xff")], "feature 'label' holds no class"),
        ([b"\xff\xff"], "record 0 holds no tf.train.Example"),
        ([*make_all()[:1], make_example(image=PNGS[1][:50], label=1)], "record 1: .*damaged"),
        ([], "no records in it"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, examples: list[bytes], words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_samples(write(tmp_path / "set.tfrecord", *examples), SPEC, 3)


def test_damaged_cut_and_compressed_files_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "set.tfrecord", *make_all()).read_bytes()
    for content, words in (
        (b"\1" + whole[1:], "no TFRecord file, or it is damaged at byte 0"),
        (whole[:-1], "ends within the record at byte"),
        (whole[:6], "no TFRecord file, or it is damaged at byte 0"),
        (gzip.compress(whole), "compressed, or no TFRecord file"),
        (struct.pack("<QI", 2**40, sum_up(struct.pack("<Q", 2**40))), "a record is larger than 128 MiB; refused"),
    ):
        (tmp_path / "set.tfrecord").write_bytes(content)
        with pytest.raises(DataError, match=words):
            load_samples(tmp_path / "set.tfrecord", SPEC, 3)
