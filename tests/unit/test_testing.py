"""The fixture `assert_clean`, over a scan that does what a test says."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.records import Verdict
from onnxaudit.testing import assert_clean
from tools.testbed.reports import make_scan_report


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The first entry is what the scan answers; the arguments of each call are added."""
    entries: list[Any] = [make_scan_report(Verdict.CLEAN)]

    def scan(*arguments: Any, **options: Any) -> Any:
        entries.append((*arguments, options))
        return entries[0]

    module: Any = ModuleType("onnxaudit.pipeline")
    module.scan = scan
    monkeypatch.setitem(sys.modules, "onnxaudit.pipeline", module)
    return entries


def test_a_clean_model_passes_and_its_report_comes_back(scans: list[Any]) -> None:
    assert assert_clean("m.onnx", "clean", seed=3) is scans[0]
    assert scans[1] == ("m.onnx", "clean", {"time_budget": None, "detectors": None, "seed": 3})


@pytest.mark.parametrize("verdict", [Verdict.BACKDOORED, Verdict.INCONCLUSIVE])
def test_any_other_fails_with_the_report(scans: list[Any], verdict: Verdict) -> None:
    scans[0] = make_scan_report(verdict)
    with pytest.raises(AssertionError, match=verdict.value.upper()):
        assert_clean("m.onnx", "clean")


def test_the_policy_decides(scans: list[Any], tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text('required_detectors = ["spectral"]\ntime_budget = "5m"\n')
    with pytest.raises(AssertionError, match="spectral measured no label"):
        assert_clean("m.onnx", policy=policy)
    assert scans[1][-1] == {"time_budget": 300.0, "detectors": None}


def test_a_policy_beside_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies with the model"):
        assert_clean(tmp_path / "m.onnx", policy=tmp_path / "p.toml")


def test_pytest_finds_the_fixture() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--fixtures", "-q", "--co", __file__]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "assert_clean" in done.stdout
