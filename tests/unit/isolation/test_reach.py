"""Which files a worker may read."""

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data

from onnxaudit.isolation import reach


def write_model(path: Path, *locations: str) -> None:
    tensors = []
    for number, location in enumerate(locations):
        tensor = helper.make_tensor(f"w{number}", TensorProto.FLOAT, [1], np.ones(1, np.float32).tobytes(), raw=True)
        set_external_data(tensor, location)
        tensor.ClearField("raw_data")
        tensors.append(tensor)
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [], tensors)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert onnx.load(path, load_external_data=False)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_nobody_waits_for_a_pipe_in_the_place_of_a_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    assert reach.list_model_files(tmp_path / "m.onnx") == (tmp_path / "m.onnx",)


def test_external_data_below_the_folder_are_read(tmp_path: Path) -> None:
    long = "a" * 200 + ".bin"
    for name in ("w.bin", long):
        (tmp_path / name).write_bytes(b"1234")
    write_model(tmp_path / "m.onnx", "w.bin", "./sub/w.bin", long)
    assert set(reach.list_model_files(tmp_path / "m.onnx")) == {
        *(tmp_path / name for name in ("m.onnx", "w.bin", "sub/w.bin", long))
    }


def test_nothing_outside_the_folder_and_no_link_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    (tmp_path / "key").write_text("secret")
    (folder / "link.bin").symlink_to(tmp_path / "key")
    write_model(folder / "m.onnx", "../key", "link.bin", str(tmp_path / "key"))
    assert reach.list_model_files(folder / "m.onnx") == (folder / "m.onnx",)


def test_a_file_that_is_not_there_needs_itself_alone(tmp_path: Path) -> None:
    assert reach.list_model_files(tmp_path / "none.onnx") == (tmp_path / "none.onnx",)


def test_links_in_a_folder_of_samples_are_followed(tmp_path: Path) -> None:
    (tmp_path / "store" / "cats").mkdir(parents=True)
    (tmp_path / "store" / "1.png").write_bytes(b"")
    (tmp_path / "data" / "dogs").mkdir(parents=True)
    (tmp_path / "data" / "cats").symlink_to(tmp_path / "store" / "cats")
    (tmp_path / "data" / "dogs" / "1.png").symlink_to(tmp_path / "store" / "1.png")
    (tmp_path / "data" / "dogs" / "all").symlink_to(tmp_path)
    assert set(reach.list_data_files(tmp_path / "data")) == {
        *(tmp_path / name for name in ("data", "store/cats", "store/1.png"))
    }


def test_the_working_folder_is_no_program(monkeypatch: object, tmp_path: Path) -> None:
    import pytest

    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/elsewhere"])
    programs = reach.list_programs("onnxaudit.detectors", "/cuda/lib:")
    assert tmp_path not in programs
    assert {Path("/elsewhere"), Path("/cuda/lib")} <= set(programs)
