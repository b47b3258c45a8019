"""The same pictures from a folder, a tar file, Parquet or Arrow are the same samples; nothing is silently left out."""

import contextlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from onnxaudit.data.samples import load_samples
from onnxaudit.data.sizes import measure_size
from onnxaudit.errors import DataError, MissingPackageError
from onnxaudit.records import InputSpec, Layout

SPEC = InputSpec("x", Layout.NCHW, 3, 8, 10, None)
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 10, 3), dtype=np.uint8)
CLASSES = [2, 0, 1, 2]
NAMES = ["cat", "dog", "owl"]


def encode(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PNGS = [encode(pixels) for pixels in PIXELS]


def write_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def pair(number: int, suffix: str = "cls", label: str | None = None) -> dict[str, bytes]:
    """A picture and its class, as WebDatasets have them."""
    text = str(CLASSES[number]) if label is None else label
    return {f"{number:04d}.png": PNGS[number], f"{number:04d}.{suffix}": text.encode()}


def make_table(labels: Any, *, nested: bool = True) -> Any:
    """What Hugging Face's library writes for a data set of pictures."""
    pa = pytest.importorskip("pyarrow")
    images = [{"bytes": data, "path": f"{place}.png"} for place, data in enumerate(PNGS)] if nested else PNGS
    features = {"image": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}
    table = pa.table({"image": images, "label": labels})
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_parquet(path: Path, table: Any) -> Path:
    from pyarrow import parquet

    path.parent.mkdir(exist_ok=True, parents=True)
    parquet.write_table(table, path, row_group_size=3)
    return path


def write_arrow(path: Path, table: Any) -> Path:
    from pyarrow import ipc

    with ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table, max_chunksize=3)
    return path


def check(source: Path | str, *, labels: list[int] | None = CLASSES) -> tuple[str, ...] | None:
    """The names of the classes, once the samples are what they should be."""
    samples, names = load_samples(source, SPEC, 3)
    assert np.allclose(samples.images, PIXELS.transpose(0, 3, 1, 2) / 255, atol=1e-6)
    assert samples.total == 4
    assert (None if samples.labels is None else samples.labels.tolist()) == labels
    return names


class TestTars:
    def test_pictures_and_classes(self, tmp_path: Path) -> None:
        members = {name: data for number in range(4) for name, data in pair(number).items()}
        check(write_tar(tmp_path / "set.tar", members))

    def test_several_files_are_one_set(self, tmp_path: Path) -> None:
        for part in (0, 1):
            write_tar(tmp_path / "set" / f"{part}.tar", pair(2 * part) | pair(2 * part + 1))
        check(tmp_path / "set")
        assert measure_size(tmp_path / "set", Layout.NCHW) == (8, 10)

    def test_beside_pictures_they_are_no_samples(self, tmp_path: Path) -> None:
        for number, data in enumerate(PNGS):
            (tmp_path / f"{number}.png").write_bytes(data)
        write_tar(tmp_path / "backup.tar", pair(0) | pair(1))
        check(tmp_path, labels=None)

    def test_classes_in_objects(self, tmp_path: Path) -> None:
        labels = [json.dumps({"caption": "a thing", "label": label}) for label in CLASSES]
        members = {k: v for number in range(4) for k, v in pair(number, "json", labels[number]).items()}
        check(write_tar(tmp_path / "set.tar", members))

    def test_names_of_classes(self, tmp_path: Path) -> None:
        members = {k: v for number in range(4) for k, v in pair(number, label=NAMES[CLASSES[number]]).items()}
        assert check(write_tar(tmp_path / "set.tar", members)) == tuple(NAMES)

    def test_without_classes(self, tmp_path: Path) -> None:
        check(write_tar(tmp_path / "set.tar", {f"{n}.png": data for n, data in enumerate(PNGS)}), labels=None)

    @pytest.mark.parametrize(
        ("members", "words"),
        [
            ({"a.txt": b"no picture"}, "no pictures in this sample"),
            ({}, "no pictures in it"),
            ({**pair(0), "0001.png": PNGS[1]}, "no class, where other pictures have one"),
            ({"a.png": PNGS[0], "a.jpg": PNGS[0]}, "2 pictures in this sample"),
            ({"a.heic": b"x"}, "of a kind that is not read"),
            ({"a.png": PNGS[0], "a.cls": b"\xff\xfe"}, "says no class"),
            ({"a.png": PNGS[0], "a.json": b"{"}, "says no class"),
            ({"a.png": PNGS[0], "b.png": PNGS[1][:50]}, "set.tar: b.png: .*damaged"),
        ],
    )
    def test_what_does_not_fit_is_named(self, tmp_path: Path, members: dict[str, bytes], words: str) -> None:
        with pytest.raises(DataError, match=words):
            load_samples(write_tar(tmp_path / "set.tar", members), SPEC, 3)

    @pytest.mark.parametrize("content", [b"", b"x" * 5000, b"\x1f\x8b" + bytes(600)])
    def test_what_is_no_tar_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "set.tar").write_bytes(content)
        with pytest.raises(DataError, match=r"set\.tar: no "):
            load_samples(tmp_path / "set.tar", SPEC, 3)


class TestColumns:
    @pytest.mark.parametrize("write", [write_parquet, write_arrow])
    @pytest.mark.parametrize("nested", [True, False])
    def test_pictures_classes_and_their_names(
        self, tmp_path: Path, write: Callable[[Path, Any], Path], nested: bool
    ) -> None:
        table = make_table(CLASSES, nested=nested)
        suffix = ".parquet" if write is write_parquet else ".arrow"
        path = write(tmp_path / f"test{suffix}", table)
        assert check(path) == tuple(NAMES)
        assert measure_size(path, Layout.NCHW) == (8, 10)

    def test_columns_can_be_named(self, tmp_path: Path) -> None:
        table = make_table(CLASSES).rename_columns(["photo", "answer"])
        path = write_parquet(tmp_path / "test.parquet", table)
        check(path, labels=None)
        check(f"{path}:photo,answer")
        with pytest.raises(DataError, match="no column 'none' among photo, answer"):
            load_samples(f"{path}:none", SPEC, 3)

    def test_several_files_are_one_set_and_several_splits_are_none(self, tmp_path: Path) -> None:
        table = make_table(CLASSES)
        write_parquet(tmp_path / "data" / "test-00000-of-00002.parquet", table.slice(0, 1))
        write_parquet(tmp_path / "data" / "test-00001-of-00002.parquet", table.slice(1))
        assert check(tmp_path) == tuple(NAMES)
        write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", table)
        with pytest.raises(DataError, match=r"several splits \(test, train\)"):
            load_samples(tmp_path, SPEC, 3)

    def test_what_is_no_table_is_refused(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        for name in ("a.parquet", "a.arrow"):
            (tmp_path / name).write_bytes(b"PAR1" + bytes(50) + b"PAR1")
            with pytest.raises(DataError, match="no Parquet or Arrow file, or it is damaged"):
                load_samples(tmp_path / name, SPEC, 3)

    def test_a_row_without_a_picture_and_a_row_without_a_class_are_named(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        images = [{"bytes": PNGS[0], "path": None}, {"bytes": None, "path": "elsewhere.png"}]
        table = pa.table({"image": images, "label": [0, 1]})
        with pytest.raises(DataError, match="row 1 holds no picture, only a name at most"):
            load_samples(write_parquet(tmp_path / "a.parquet", table), SPEC, 3)
        with pytest.raises(DataError, match="holds no classes"):
            load_samples(write_parquet(tmp_path / "b.parquet", make_table([0, None, 1, 2])), SPEC, 3)

    def test_without_pyarrow_one_sentence_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        (tmp_path / "a.parquet").write_bytes(b"PAR1")
        with pytest.raises(MissingPackageError, match="pip install pyarrow"):
            load_samples(tmp_path / "a.parquet", SPEC, 3)


class TestSingleArrays:
    def test_images_and_the_labels_beside_them(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", PIXELS)
        np.save(tmp_path / "labels.npy", np.array(CLASSES))
        check(tmp_path / "x.npy", labels=None)
        check(f"{tmp_path / 'x.npy'}:labels.npy")
        assert measure_size(tmp_path / "x.npy", Layout.NCHW) == (8, 10)

    @pytest.mark.parametrize("labels", ["none.npy", "../x.npy", "a.npy,b.npy"])
    def test_labels_that_are_not_there_are_an_error(self, tmp_path: Path, labels: str) -> None:
        np.save(tmp_path / "x.npy", PIXELS)
        with pytest.raises(DataError):
            load_samples(f"{tmp_path / 'x.npy'}:{labels}", SPEC, 3)

    def test_objects_are_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(DataError, match=r"not an \.npz archive or \.npy file of plain arrays"):
            load_samples(tmp_path / "x.npy", SPEC, 3)


class TestTables:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number, data in enumerate(PNGS):
            (tmp_path / f"{number}.png").write_bytes(data)
        return tmp_path

    @pytest.mark.parametrize(
        ("name", "head", "row"),
        [
            ("labels.csv", "", "{n}.png,{label}"),
            ("labels.csv", "filename;label", "{n}.png;{label}"),
            ("labels.csv", "image\tclass_id", "{n}.png\t{label}"),
            ("labels.csv", ",label,filename", "{n},{label},{n}.png"),
            ("metadata.csv", "file_name,label", "{n}.png,{label}"),
            ("metadata.jsonl", "", '{{"file_name": "{n}.png", "label": {label}}}'),
        ],
    )
    def test_a_row_for_each_picture(self, folder: Path, name: str, head: str, row: str) -> None:
        lines = [head] if head else []
        lines += [row.format(n=number, label=label) for number, label in enumerate(CLASSES)]
        (folder / name).write_text("\n".join(lines) + "\n\n", encoding="utf-8")
        check(folder)

    def test_an_object_of_names_and_labels(self, folder: Path) -> None:
        found = {f"{number}.png": NAMES[label] for number, label in enumerate(CLASSES)}
        (folder / "labels.json").write_text(json.dumps(found), encoding="utf-8")
        assert check(folder) == tuple(NAMES)

    def test_names_as_on_windows_and_composed_differently_are_found(self, tmp_path: Path) -> None:
        (tmp_path / "u\u0308").mkdir()
        for number, data in enumerate(PNGS):
            (tmp_path / "u\u0308" / f"{number}.png").write_bytes(data)
        rows = [f"\u00fc\\{number}.png,{label}" for number, label in enumerate(CLASSES)]
        (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
        check(tmp_path)

    @pytest.mark.parametrize(
        "content", ["[", "3", "[3]", '{"0.png": null}', '{"0.png": true}', "[" * 100_000, '[{"file_name": "0.png"}]']
    )
    def test_an_object_that_says_no_labels_is_refused(self, folder: Path, content: str) -> None:
        (folder / "labels.json").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=r"labels\.json"):
            load_samples(folder, SPEC, 3)

    def test_two_tables_are_an_error(self, folder: Path) -> None:
        for name in ("labels.csv", "labels.json"):
            (folder / name).write_text("", encoding="utf-8")
        with pytest.raises(DataError, match="both give labels"):
            load_samples(folder, SPEC, 3)


def test_a_class_without_a_picture_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    for place, name in enumerate(("a", "b")):
        (tmp_path / name / "0.png").write_bytes(PNGS[place])
    with pytest.raises(DataError, match="no picture in this folder"):
        load_samples(tmp_path, SPEC, 3)


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "TGA", "PCX", "QOI"])
def test_other_kinds_of_pictures_are_read(tmp_path: Path, kind: str) -> None:
    suffix = {"JPEG2000": "jp2"}.get(kind, kind.lower())
    for place, name in enumerate(("0", "1")):
        (tmp_path / name).mkdir()
        try:
            Image.fromarray(np.full((8, 10, 3), 40 + 100 * place, np.uint8)).save(tmp_path / name / f"a.{suffix}", kind)
        except (KeyError, OSError) as error:
            pytest.skip(f"this Pillow does not write it: {error}")
    samples, _ = load_samples(tmp_path, SPEC, 2)
    assert np.allclose(samples.images.mean((1, 2, 3)) * 255, [40, 140], atol=3)


def test_a_file_that_is_no_picture_whatever_its_name_is_not_handed_to_other_programs(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="not a picture, or damaged"):
        load_samples(tmp_path, SPEC, 3)


@pytest.mark.parametrize("kind", ["tar", "npy", "json"])
def test_changed_bytes_are_samples_or_one_clear_line(tmp_path: Path, kind: str) -> None:
    members = {name: data for number in range(4) for name, data in pair(number).items()}
    if kind == "tar":
        path = source = write_tar(tmp_path / "set.tar", members)
    elif kind == "npy":
        path = source = tmp_path / "x.npy"
        np.save(path, PIXELS)
    else:
        source, path = tmp_path, tmp_path / "labels.json"
        for number, data in enumerate(PNGS):
            (tmp_path / f"{number}.png").write_bytes(data)
        path.write_text(json.dumps({f"{number}.png": label for number, label in enumerate(CLASSES)}))
    honest, chance = path.read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(honest)
        for place in chance.integers(0, min(len(changed), 2000), 3):
            changed[place] = chance.integers(0, 256)
        path.write_bytes(changed[: chance.integers(1, len(changed) + 1)] if chance.random() < 0.2 else changed)
        with contextlib.suppress(DataError):
            load_samples(source, SPEC, 3)
