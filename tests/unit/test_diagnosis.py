"""What does not work here is found, whatever else does."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from onnxaudit.diagnosis import diagnose
from onnxaudit.records import Check

TRIED = ("isolation", "bubblewrap", "PyTorch", "ONNX Runtime", "devices")


def find(name: str) -> Check:
    return next(check for check in diagnose() if check.name == name)


def pretend(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    """Other versions of packages; None takes one away."""
    version = metadata.version
    wanted = {name.replace("_", "-"): value for name, value in changes.items()}

    def lie(package: str) -> str:
        value = wanted[package] if package in wanted else version(package)
        if value is None:
            raise metadata.PackageNotFoundError(package)
        return value

    monkeypatch.setattr(metadata, "version", lie)


def test_a_working_installation_has_no_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, onnxruntime="1.26", onnxruntime_gpu=None)
    checks = diagnose()
    assert [check for check in checks if check.status == "error"] == []
    assert {check.name for check in checks} == {"Python", "packages", "ONNX Runtime packages", *TRIED}


def test_two_packages_of_onnxruntime_side_by_side_are_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, onnxruntime="1.26", onnxruntime_gpu="1.25")
    check = find("ONNX Runtime packages")
    assert check.status == "error"
    assert "onnxruntime 1.26 and onnxruntime-gpu 1.25" in check.detail
    assert "pip uninstall onnxruntime onnxruntime-gpu" in check.advice


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, onnxruntime=None, onnxruntime_gpu=None, pillow=None)
    assert find("ONNX Runtime packages").status == "error"
    assert find("packages").detail == "missing: pillow"


BROKEN = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "onnxruntime"}:
            raise OSError("libcublas.so.12: cannot open\\nshared object file")

sys.meta_path.insert(0, Refuse())
from onnxaudit.cli import main
sys.exit(main(["doctor"]))
"""


def test_packages_that_break_on_import_are_told_in_one_line_each() -> None:
    process = subprocess.run(
        [sys.executable, "-c", BROKEN], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (process.returncode, process.stderr) == (2, "")
    lines = process.stdout.splitlines()
    for name in ("PyTorch", "ONNX Runtime"):
        assert any(line.startswith(f"error   {name}: OSError: libcublas.so.12: cannot open\\x0a") for line in lines)


def test_what_holds_a_worker_process_is_told() -> None:
    check = find("isolation")
    assert check.status in ("ok", "warning")
    assert "worker process" in check.detail
