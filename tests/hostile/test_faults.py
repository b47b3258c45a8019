"""Faults at every stage: never exit 0, never exit 1 without a finding, no traceback, no stale or half report."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnxaudit.cli.app import main
from onnxaudit.errors import NanError
from tests.hostile.corpus import CASES

pytestmark = pytest.mark.usefixtures("forked_trials")
STAGES = {
    "reading": "onnxaudit.pipeline.first_run.load_model",
    "looking at operators": "onnxaudit.pipeline.first_run.check_operators",
    "trying": "onnxaudit.pipeline.first_run.try_model",
    "copying": "onnxaudit.pipeline.opened_model.import_model",
    "loading samples": "onnxaudit.pipeline.clean_samples.load_samples",
    "choosing a range": "onnxaudit.pipeline.clean_samples.choose_preprocessing",
    "comparing outputs": "onnxaudit.pipeline.admission.check_consistency",
    "comparing the copy": "onnxaudit.pipeline.admission.check_parity",
    "searching for triggers": "onnxaudit.pipeline.scans.detect",
    "finding layers": "onnxaudit.pipeline.scans.find_features",
    "wording": "onnxaudit.pipeline.scan_report.summarize_scan",
    "running the network": "onnxaudit.runtime.Runtime.activations",
}
FAULTS: dict[str, Callable[[], BaseException]] = {
    "an error nobody thought of": lambda: RuntimeError("unforeseen"),
    "no memory": MemoryError,
    "no space": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "NaN": lambda: NanError("the output is not a number (NaN)"),
    "a time-out": lambda: TimeoutError("took too long"),
    "a closed stream": BrokenPipeError,
    "an interrupt": KeyboardInterrupt,
}


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A scan of the honest network that would end without a verdict."""
    model, data = CASES["plain"].place(tmp_path)
    report = tmp_path / "r.json"
    report.write_text('{"reports": "of an earlier run"}', encoding="utf-8")
    options = ("--effort", "quick", "--detectors", "exact-shift", "--no-progress", "-q")
    return ["scan", str(model), "--data", str(data), *options, "--json", str(report)]


def list_pairs() -> list[Any]:
    """Each stage with each fault; every fourth pair is tried each time, so that no stage and no fault is left out."""
    pairs = [(stage, fault) for stage in STAGES for fault in FAULTS]
    return [pair if place % 4 == 0 else pytest.param(*pair, marks=pytest.mark.slow) for place, pair in enumerate(pairs)]


def test_no_stage_and_no_fault_is_left_to_the_slow_tests() -> None:
    often = [pair for pair in list_pairs() if isinstance(pair, tuple) and not hasattr(pair, "marks")]
    assert {stage for stage, _ in often} == set(STAGES)
    assert {fault for _, fault in often} == set(FAULTS)


@pytest.mark.parametrize(("stage", "fault"), list_pairs())
def test_no_fault_is_a_verdict(
    stage: str, fault: str, command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise FAULTS[fault]()

    monkeypatch.setattr(STAGES[stage], fail)
    code = main(command)
    assert code in ((130,) if fault == "an interrupt" else (2, 3))
    assert "Traceback" not in capfd.readouterr().err
    report = Path(command[-1])
    assert "of an earlier run" not in report.read_text(encoding="utf-8")
    assert json.loads(report.read_text(encoding="utf-8"))
    assert not list(report.parent.glob(".onnxaudit-*"))


@pytest.mark.parametrize("where", ["onnxaudit.files._replace", "onnxaudit.cli.output.render"])
def test_a_report_that_cannot_be_written_is_an_error(
    where: str, command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(where, fail)
    assert main(command) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_answers_that_turn_to_no_numbers_are_never_clean(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from onnxaudit.importer.classifier import Classifier

    whole = Classifier.forward
    monkeypatch.setattr(Classifier, "forward", lambda *given, **more: whole(*given, **more) * np.nan)
    assert main(command) in (2, 3)
    assert "Traceback" not in capfd.readouterr().err
