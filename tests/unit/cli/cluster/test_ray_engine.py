"""Ray is asked for, or is not there at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from onnxaudit.cli.cluster.ray_engine import RayEngine
from onnxaudit.errors import MissingPackageError, UsageError
from tests.unit.cli.conftest import Outcome

Run = Callable[..., Outcome]


def test_where_ray_is_missing_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install ray"):
        RayEngine(None)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "127.0.0.1:99999"])
def test_where_nobody_listens_ray_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("Ray was asked")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=refuse))
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UsageError, match="Ray cannot be used at"):
        RayEngine(address)


def test_the_command_line_ends_with_that_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("m.onnx").write_bytes(b"model")
    done = run("scan", "m.onnx", "--engine", "ray")
    assert done.code == 2
    assert done.err.startswith("error: --engine ray needs Ray, which is not installed here; ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--address", "head:6379"), "add --engine ray"),
        (("--engine", "ray", "--sandbox", "bwrap"), "leaves no way to a cluster"),
    ],
)
def test_options_that_contradict_each_other_are_refused(run: Run, options: tuple[str, ...], words: str) -> None:
    Path("m.onnx").write_bytes(b"model")
    done = run("scan", "m.onnx", *options)
    assert (done.code, words in done.err) == (2, True)


def test_no_other_scan_imports_ray() -> None:
    code = "import sys, onnxaudit.cli.scans, onnxaudit.cli.plan; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
