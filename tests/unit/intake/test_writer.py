import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from onnxaudit.errors import OutputError, RepairError
from onnxaudit.intake import Model, check_destination, load_model, save_model
from tools.testbed.tiny_models import linear_classifier, write


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "vendor"
    folder.mkdir()
    return load_model(write(linear_classifier(), folder))


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_reads_back(model: Model, tmp_path: Path) -> None:
    zeroed = model.with_values({"b": np.zeros(3, np.float32)})
    save_model(zeroed, tmp_path / "fixed.onnx")
    assert np.array_equal(load_model(tmp_path / "fixed.onnx").initializer("b"), np.zeros(3))
    assert entries(tmp_path) == ["fixed.onnx", "vendor"]


def test_an_existing_file_keeps_its_permissions(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(b"old")
    path.chmod(0o640)
    save_model(model, path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == model.to_bytes()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_original_is_never_overwritten_under_another_name(
    model: Model, tmp_path: Path, link: Callable[..., None]
) -> None:
    alias = tmp_path / "alias.onnx"
    link(model.info.path, alias)
    with pytest.raises(OutputError, match="never overwritten"):
        save_model(model, alias)
    assert Path(model.info.path).read_bytes() == model.to_bytes()


def test_a_missing_folder_is_named(model: Model, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        save_model(model, tmp_path / "missing" / "fixed.onnx")


def test_a_folder_is_no_destination(model: Model, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        check_destination(tmp_path, model.info.path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=os.strerror(code)):
        save_model(model, path)
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["fixed.onnx", "vendor"]


def test_a_failed_check_leaves_the_old_file_and_nothing_else(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(b"old")

    def check(draft: Path) -> None:
        assert draft.read_bytes() == model.to_bytes()
        assert path.read_bytes() == b"old"
        raise RepairError("not as it should be")

    with pytest.raises(RepairError):
        save_model(model, path, check)
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["fixed.onnx", "vendor"]
