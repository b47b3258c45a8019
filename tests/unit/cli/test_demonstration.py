"""`onnxaudit demo`: what it scans, where from, and what it says where nothing was brought along."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

import onnxaudit
from onnxaudit.errors import ModelError

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
MODEL = Path("onnxaudit-demo/vendor/signs-lenet-weights.onnx")


def test_a_backdoor_that_is_found_is_a_success(run: Run, pipeline: FakePipeline) -> None:
    outcome = run("demo")
    assert outcome.code == 0
    assert "its exit code is 1" in outcome.out
    (call,) = pipeline.calls
    assert call["arguments"] == (MODEL,)
    assert Path(call["data"]).is_file()
    assert {path.name for path in MODEL.parents[1].iterdir()} >= {"report.html", "scan.json", "triggers"}


def test_a_scan_that_fails_is_none(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = ModelError("broken")
    assert run("demo").code == 2


def test_an_installed_wheel_has_the_files_among_its_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxaudit, "__file__", str(tmp_path / "site-packages" / "onnxaudit" / "__init__.py"))
    assert "this installation brings no signs-lenet-weights.onnx" in run("demo").err

    class Installed(metadata.PackagePath):
        def locate(self) -> Path:
            return tmp_path / self.name

    names = ("signs-lenet-weights.onnx", "signs.npz")
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.setattr(metadata, "files", lambda _: [Installed("../../../share/onnxaudit", name) for name in names])
    assert run("demo", "--into", "there").code == 0
    assert Path("there/vendor", names[0]).read_bytes() == names[0].encode()
