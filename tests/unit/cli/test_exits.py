"""No failure may look like a verdict."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from onnxaudit.cli.exits import find_worst
from onnxaudit.errors import ModelError
from onnxaudit.records import Verdict
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.CLEAN, 0), (Verdict.BACKDOORED, 1), (Verdict.INCONCLUSIVE, 3)])
def test_the_verdict_is_the_exit_code(run: Run, pipeline: FakePipeline, verdict: Verdict, code: int) -> None:
    pipeline.answers["scan"] = make_scan_report(verdict)
    assert run("scan", "model.onnx").code == code


@pytest.mark.parametrize(
    ("outcome", "code"), [("repaired", 0), ("nothing to repair", 0), ("incomplete", 1), ("inconclusive", 3)]
)
def test_the_outcome_of_a_repair_is_the_exit_code(run: Run, pipeline: FakePipeline, outcome: Any, code: int) -> None:
    pipeline.answers["repair"] = make_repair_report(outcome=outcome)
    assert run("repair", "model.onnx", "--data", "x", "--output", "fixed.onnx").code == code


@pytest.mark.parametrize(
    "command", [("scan",), ("repair", "--data", "x", "--output", "f.onnx")], ids=["scan", "repair"]
)
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ModelError("model.onnx is empty"), 2, "error: model.onnx is empty\n"),
        (ZeroDivisionError("oh"), 2, "internal error, ZeroDivisionError: oh"),
        (MemoryError(), 2, "out of memory"),
        (typer.Abort(), 2, "aborted"),
        (EOFError(), 2, ""),
        (SystemExit(1), 2, ""),
        (SystemExit("gone"), 2, ""),
        (BrokenPipeError(32, "Broken pipe"), 2, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_goes_wrong_is_never_a_verdict(
    run: Run, pipeline: FakePipeline, command: tuple[str, ...], error: BaseException, code: int, message: str
) -> None:
    pipeline.answers = {"scan": error, "repair": error}
    outcome = run(command[0], "model.onnx", *command[1:])
    assert outcome.code == code
    assert outcome.out == ""
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) <= 1


def test_a_traceback_is_shown_where_it_is_asked_for(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = ZeroDivisionError("oh")
    assert "Traceback" not in run("scan", "model.onnx").err
    assert "Traceback" in run("--debug", "scan", "model.onnx").err


def test_an_error_message_is_one_harmless_line(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = ModelError("bad\nCLEAN \x1b[2J")
    assert run("scan", "model.onnx").err == "error: model.onnx: bad\\x0aCLEAN \\x1b[2J\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nope",),
        ("scan",),
        ("scan", "m", "--nope"),
        ("scan", "m", "--seed", "-1"),
        ("scan", "m", "--device", "tpu"),
        ("scan", "m", "--range", "1,0"),
        ("scan", "m", "--mean", "a,b"),
        ("scan", "m", "--std", "0"),
        ("scan", "m", "--time-budget", "soon"),
        ("scan", "m", "--time-budget", "0s"),
        ("repair", "m", "--data", "x"),
        ("repair", "m", "--data", "x", "--output", "y", "--min-agreement", "97"),
        ("profile", "m", "--data", "x"),
    ],
    ids=" ".join,
)
def test_usage_errors_are_errors_in_one_line(run: Run, pipeline: FakePipeline, arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert not pipeline.calls


def test_the_worst_of_several_counts_in_the_order_1_2_3_0() -> None:
    order = (1, 2, 3, 0)
    for count in (1, 2, 3, 4):
        for codes in itertools.product(order, repeat=count):
            assert order.index(find_worst(codes)) == min(order.index(code) for code in codes)


def test_one_model_that_fails_does_not_stop_the_rest(run: Run, pipeline: FakePipeline) -> None:
    answers = iter([ModelError("first.onnx is empty"), make_scan_report(Verdict.CLEAN), ZeroDivisionError("oh")])
    pipeline.answers["scan"] = lambda *_, **__: next(answers)
    outcome = run("scan", "first.onnx", "second.onnx", "third.onnx")
    assert outcome.code == 2
    assert outcome.out.startswith("CLEAN")
    assert "error: first.onnx is empty\n" in outcome.err
    assert "error: third.onnx: internal error, ZeroDivisionError" in outcome.err


def test_a_backdoor_outranks_the_failure_of_another_model(run: Run, pipeline: FakePipeline) -> None:
    answers = iter([ModelError("empty"), make_scan_report(), make_scan_report(Verdict.INCONCLUSIVE)])
    pipeline.answers["scan"] = lambda *_, **__: next(answers)
    assert run("scan", "a", "b", "c").code == 1


def test_an_interrupt_stops_all_models(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = KeyboardInterrupt()
    assert run("scan", "a", "b").code == 130
    assert len(pipeline.calls) == 1


@pytest.mark.parametrize("command", ["schema", "--help", "--version"])
def test_a_reader_that_goes_away_is_an_error(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "onnxaudit", command],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    os.close(writing)
    assert process.returncode == 2
    assert process.stderr == b""


def test_a_full_disk_under_stdout_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "onnxaudit", "schema"], stdout=full, check=False, stderr=subprocess.PIPE
        )
    assert process.returncode == 2
