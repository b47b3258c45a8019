"""The policy on the command line: what it decides, where it may come from, and that it is told."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.errors import ModelError
from onnxaudit.findings.finding import find_all
from onnxaudit.records import Verdict
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
MODEL = "models/m.onnx"


@pytest.mark.parametrize(
    ("verdict", "options", "code"),
    [
        (Verdict.BACKDOORED, ["--exit-zero"], 0),
        (Verdict.BACKDOORED, ["--inconclusive", "warn"], 1),
        (Verdict.INCONCLUSIVE, ["--inconclusive", "warn"], 0),
        (Verdict.INCONCLUSIVE, ["--inconclusive", "fail"], 1),
        (Verdict.CLEAN, ["--required-detectors", "waves"], 3),
    ],
)
def test_options_decide_on_the_exit_code(
    run: Run, pipeline: FakePipeline, verdict: Verdict, options: list[str], code: int
) -> None:
    pipeline.answers["scan"] = make_scan_report(verdict)
    outcome = run("scan", MODEL, *options)
    assert outcome.code == code
    assert outcome.out.startswith(verdict.value.upper())


def test_no_softener_lets_an_error_through(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = ModelError("broken")
    assert run("scan", MODEL, "--exit-zero", "--inconclusive", "warn").code == 2


def test_softeners_are_told_to_those_who_want_the_answer_alone(run: Run) -> None:
    assert "SOFTENED  exit_zero\n" in run("scan", MODEL, "-q", "--exit-zero").out


@pytest.mark.parametrize(
    ("strongest", "code"), [("option", 1), ("variable", 0), ("policy", 1), ("pyproject", 0), ("default", 3)]
)
def test_origins_come_in_their_order(
    run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, strongest: str, code: int
) -> None:
    order = ["default", "pyproject", "policy", "variable", "option"]
    given = order[: order.index(strongest) + 1]
    pipeline.answers["scan"] = make_scan_report(Verdict.INCONCLUSIVE)
    arguments = ["scan", MODEL]
    if "pyproject" in given:
        Path("pyproject.toml").write_text('[tool.onnxaudit]\ninconclusive = "warn"\n')
    if "policy" in given:
        Path("p.toml").write_text('inconclusive = "fail"\n')
        arguments += ["--policy", "p.toml"]
    if "variable" in given:
        monkeypatch.setenv("ONNXAUDIT_INCONCLUSIVE", "warn")
    if "option" in given:
        arguments += ["--inconclusive", "fail"]
    assert run(*arguments).code == code


@pytest.mark.parametrize("arguments", [("m.onnx",), (MODEL, "--data", ".")], ids=["model", "data"])
def test_a_pyproject_that_lies_with_model_or_data_is_not_read(run: Run, arguments: tuple[str, ...]) -> None:
    Path("pyproject.toml").write_text("[tool.onnxaudit]\nexit_zero = true\n")
    outcome = run("scan", *arguments)
    assert outcome.code == 1
    assert "no policy is read from it" in outcome.err


def test_a_policy_that_lies_with_the_model_is_refused(run: Run, pipeline: FakePipeline) -> None:
    Path("models").mkdir()
    Path("models/p.toml").write_text("exit_zero = true\n")
    outcome = run("scan", MODEL, "--policy", "models/p.toml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "lies with the model" in outcome.err
    assert not pipeline.calls


@pytest.mark.parametrize("command", [("scan", MODEL), ("repair", MODEL, "--data", "clean/x", "--output", "f.onnx")])
def test_a_locked_key_is_an_error_on_the_command_line(run: Run, pipeline: FakePipeline, command: list[str]) -> None:
    Path("p.toml").write_text('locked = ["exit_zero", "time_budget"]\n')
    outcome = run(*command, "--policy", "p.toml", "--exit-zero")
    assert outcome.code == 2
    assert "exit_zero is locked by policy p.toml" in outcome.err
    assert run(*command, "--policy", "p.toml", "--time-budget", "10m").code == 2
    assert not pipeline.calls


def test_limits_of_the_policy_reach_the_work(run: Run, pipeline: FakePipeline) -> None:
    Path("p.toml").write_text('time_budget = "10m"\nmin_agreement = 0.9\nmax_success = 0.2\n')
    run("scan", MODEL, "--policy", "p.toml")
    run("repair", MODEL, "--data", "clean/x", "--output", "f.onnx", "--policy", "p.toml", "--max-success", "0.3")
    scan, repair = pipeline.calls
    assert 0 < scan["time_budget"] <= 600
    assert 0 < repair["time_budget"] <= 600
    assert repair["arguments"][3]["pruning"] == {"min_agreement": 0.9, "max_success": 0.3}


def test_the_report_holds_policy_hash_origins_and_decision(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["repair"] = make_repair_report(outcome="incomplete")
    for command in (("scan", MODEL), ("repair", MODEL, "--data", "clean/x", "--output", "f.onnx")):
        outcome = run(*command, "--format", "json", "--exit-zero")
        gate = json.loads(outcome.out)["gate"]
        assert outcome.code == 0
        assert gate["softeners"] == ["exit_zero"]
        assert len(gate["policy_sha256"]) == 64
        assert [(one["value"], one["origin"]) for one in gate["settings"] if one["key"] == "exit_zero"] == [
            (True, "command line")
        ]


def test_a_waived_model_passes_and_is_still_called_backdoored(run: Run) -> None:
    report = make_scan_report()
    (finding,) = find_all(report)
    Path("p.toml").write_text(
        f'[[waivers]]\nfingerprint = "{finding.fingerprint}"\nmodel_sha256 = "{report.model.sha256}"\n'
        'reason = "one digit tells this sign"\napprover = "Ada"\nexpiry = 9999-12-31\n'
    )
    outcome = run("scan", MODEL, "--policy", "p.toml")
    assert outcome.code == 0
    assert outcome.out.startswith("BACKDOORED")
    assert "OA101" in outcome.out
    assert "one digit tells this sign" in outcome.out


def test_policy_show_tells_each_value_and_its_origin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text('[tool.onnxaudit]\nmin_coverage = 0.5\nlocked = ["exit_zero"]\n')
    Path("p.toml").write_text('domains = ["com.microsoft"]\n')
    monkeypatch.setenv("ONNXAUDIT_FAIL_ON", "suspicion")
    outcome = run("policy", "show", "--policy", "p.toml", "--memory-limit", "4GiB")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    for line in (
        "min_coverage 0.5 (pyproject.toml)",
        "exit_zero false (default, locked by pyproject.toml)",
        "domains com.microsoft (policy p.toml)",
        "fail_on suspicion (environment, ONNXAUDIT_FAIL_ON)",
        "memory_limit 4294967296 (command line)",
        "inconclusive block (default)",
    ):
        assert line in lines


def test_an_unknown_key_is_one_line_with_a_suggestion(run: Run) -> None:
    Path("p.toml").write_text('fail_om = "suspicion"\n')
    outcome = run("policy", "show", "--policy", "p.toml")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: policy p.toml: unknown key 'fail_om'; did you mean fail_on?\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_limit_on_memory_ends_in_an_error() -> None:
    code = (
        "from onnxaudit.cli.policies import settle_limits\n"
        "from onnxaudit.cli.exits import Settings\n"
        "from onnxaudit.gate.layers import read_command_line, resolve\n"
        "settle_limits(resolve([read_command_line({'memory_limit': '1GiB'})]), Settings())\n"
        "try:\n    bytearray(2**31)\nexcept MemoryError:\n    print('held')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "held\n"
