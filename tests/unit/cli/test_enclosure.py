"""`--sandbox bwrap`: an error where it cannot be had; else the same command, with the files that it names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onnxaudit.cli.enclosure import describe_inside, list_named
from onnxaudit.isolation.bubblewrap import find_program, try_program

PROGRAM = find_program()
ROOT = Path(__file__).parents[3]


def run(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"] if path is None else path}
    command = [sys.executable, "-m", "onnxaudit", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    (tmp_path / "d.npz").write_bytes(b"no data")
    return tmp_path


def test_where_it_is_not_installed_that_is_an_error(folder: Path) -> None:
    done = run(folder, "scan", "m.onnx", "--data", "d.npz", "--sandbox", "bwrap", "--json", "r.json", path="/nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs bubblewrap" in done.stderr
    assert "needs bubblewrap" in (folder / "r.json").read_text()


def test_where_it_makes_no_namespaces_that_is_an_error(folder: Path) -> None:
    (folder / "bwrap").write_text("#!/bin/sh\necho 'no permissions' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    done = run(folder, "inspect", "m.onnx", "--sandbox", "bwrap", path=str(folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no permissions" in done.stderr


@pytest.mark.skipif(PROGRAM is None or bool(try_program(PROGRAM)), reason="needs bubblewrap, and namespaces")
def test_the_command_inside_has_the_last_word(folder: Path) -> None:
    done = run(folder, "inspect", "m.onnx", "--sandbox", "bwrap", "--json", "-")
    assert done.returncode == 2
    assert '"obstacles"' in done.stdout
    assert "Traceback" not in done.stderr


def test_what_is_named_is_there_inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    named = list_named(["scan", "m.onnx", "--data=d.npz:x,y", "--json", "r.json", "--policy", str(folder)])
    assert list(named) == [Path("m.onnx"), Path("d.npz"), folder]
    inside = describe_inside(["scan", "m.onnx", "--device", "cpu"], [folder])
    assert Path("m.onnx") in inside.read
    assert (inside.write, inside.devices, inside.folder) == ((folder,), (), folder)
