"""Files arrive on another machine as they were, or not at all."""

import os
import sys
from pathlib import Path

import pytest

from onnxaudit.cli.cluster.parcel import pack_model, pack_source, place_source, unpack
from onnxaudit.errors import DataError, ModelError, WorkerError
from onnxaudit.intake.reader import read_proto
from tests.unit.cli.statements import save_model


def list_tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(one.relative_to(folder)): None if one.is_dir() else one.read_bytes() for one in sorted(folder.rglob("*"))
    }


def test_a_folder_of_images_keeps_its_names_and_empty_classes(tmp_path: Path) -> None:
    images, shelf = tmp_path / "images", tmp_path / "shelf"
    (images / "stop").mkdir(parents=True)
    (images / "empty").mkdir()
    shelf.mkdir()
    (images / "stop" / "1.png").write_bytes(b"picture")
    (images / "stop" / "2.png").symlink_to(tmp_path / "elsewhere.png")
    (tmp_path / "elsewhere.png").write_bytes(b"another")
    parcel = pack_source(str(images))
    folder = unpack(memoryview(parcel.content), parcel.digest, shelf)
    assert place_source(str(images), folder) == str(folder / "images")
    assert list_tree(folder / "images") == list_tree(images)
    assert unpack(memoryview(b"not looked at again"), parcel.digest, shelf) == folder
    assert pack_source(str(images)).digest == parcel.digest


def test_arrays_are_found_by_their_names(tmp_path: Path) -> None:
    for name in ("x.npy", "y.npy"):
        (tmp_path / name).write_bytes(name.encode())
    parcel = pack_source(f"{tmp_path}/x.npy:y.npy")
    folder = unpack(memoryview(parcel.content), parcel.digest, tmp_path)
    assert place_source(f"{tmp_path}/x.npy:y.npy", folder) == f"{folder}/x.npy:y.npy"
    assert (folder / "y.npy").read_bytes() == b"y.npy"


def test_external_data_come_with_a_model(tmp_path: Path) -> None:
    model, shelf = tmp_path / "models" / "m.onnx", tmp_path / "shelf"
    model.parent.mkdir()
    shelf.mkdir()
    save_model(model, "m.data")
    parcel = pack_model(model)
    assert list_tree(unpack(memoryview(parcel.content), parcel.digest, shelf)) == list_tree(model.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_what_is_no_file_is_told_in_the_words_of_a_scan_here(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for name in ("gone.onnx", "pipe.onnx"):
        with pytest.raises(ModelError) as here:
            read_proto(tmp_path / name)
        with pytest.raises(ModelError) as sent:
            pack_model(tmp_path / name)
        assert str(sent.value) == str(here.value)


def test_what_arrives_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    parcel = pack_model(tmp_path / "m.onnx")
    with pytest.raises(WorkerError, match="damaged"):
        unpack(memoryview(parcel.content[:-1] + b"x"), parcel.digest, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["m.onnx"]


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    with monkeypatch.context() as patch:
        patch.setattr("onnxaudit.cli.cluster.parcel.MOST_OF_DATA", 1)
        with pytest.raises(ModelError, match="cannot be read"):
            pack_model(tmp_path / "m.onnx")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match="cannot be read"):
        pack_source(str(tmp_path / "data"))
