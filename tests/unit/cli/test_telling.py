"""How much is told, and how."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.records import Event
from onnxaudit.report.terminal import open_console
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
pytestmark = pytest.mark.usefixtures("busy")


@pytest.fixture
def busy(pipeline: FakePipeline) -> FakePipeline:
    """A pipeline that reports progress, and a model of twelve classes."""
    report = make_scan_report()
    labels = tuple(replace(report.labels[label % 4], label=label) for label in range(12))

    def scan(*_: Any, on_event: Callable[[Event], None], **__: Any) -> Any:
        for done in range(3):
            on_event(Event("invert", done, 2, "\x1b[2J\n"))
        return replace(report, labels=labels)

    pipeline.answers["scan"] = scan
    return pipeline


def test_quiet_tells_the_answer_alone(run: Run) -> None:
    outcome = run("scan", "m", "-q")
    assert (outcome.code, outcome.out, outcome.err) == (1, "BACKDOORED  m  (score 0.97)\n", "")


def test_quiet_beside_a_document_tells_nothing(run: Run) -> None:
    outcome = run("scan", "m", "-q", "--format", "json")
    assert outcome.err == ""
    assert json.loads(outcome.out)["reports"]


def test_verbose_tells_all_labels_settings_and_versions(run: Run) -> None:
    usual, verbose = run("scan", "m").out, run("scan", "m", "-v").out
    assert "… and 4 more labels" in usual
    assert "more labels" not in verbose
    assert len(verbose.splitlines()) > len(usual.splitlines()) + 4
    assert "inversion.success = 0.95" in verbose
    assert "onnxaudit 0.1.0" in verbose


def test_quiet_and_verbose_contradict_each_other(run: Run, busy: FakePipeline) -> None:
    assert run("scan", "m", "-q", "-v").code == 2
    assert not busy.calls


@pytest.mark.parametrize("option", [["--no-progress"], ["--progress", "none"]], ids=" ".join)
def test_progress_can_be_left_out(run: Run, option: list[str]) -> None:
    outcome = run("scan", "m", "n", *option)
    assert outcome.err == ""
    assert outcome.out.count("BACKDOORED") == 2


def test_progress_as_json_lines_holds_nothing_else(run: Run) -> None:
    lines = [json.loads(line) for line in run("scan", "m\n", "n", "--progress", "jsonl").err.splitlines()]
    assert lines[0] == {"model": "m\n", "number": 1, "count": 2}
    assert lines[1] == {"stage": "invert", "done": 0, "total": 2, "message": "\x1b[2J\n"}
    assert len(lines) == 8


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(variable, "1")
    console = open_console(sys.stdout)
    with console.capture() as captured:
        console.print("x", style="red")
    assert ("\x1b[3" in captured.get()) is coloured


def test_the_shell_completes_commands() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "onnxaudit"],
        env={**os.environ, "_ONNXAUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "onnxaudit sc", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert process.returncode == 0
    assert process.stdout.split() == ["scan", "schema"]
