"""The GitHub Action's script, over a command that notes how it was called."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUB = """#!/usr/bin/env bash
printf '%s\\n' "$@" >"$CALLED"
while [ "$#" -gt 0 ]; do
  [ "$1" = --markdown ] && echo "## Summary" >"$2"
  shift
done
exit "$CODE"
"""


def run_script(folder: Path, code: int, **inputs: str) -> tuple[int, list[str]]:
    """The script's exit code, and the words that `onnxaudit` was called with."""
    stub = folder / "bin" / "onnxaudit"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    given = {"MODELS": "", "DATA": "", "POLICY": "", "EFFORT": "", "PROFILE": "", "TIME_BUDGET": "", **inputs}
    environment = {
        "PATH": f"{stub.parent}:{os.environ['PATH']}",
        "CALLED": str(folder / "called"),
        "CODE": str(code),
        "RUNNER_TEMP": str(folder / "runner temp"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        **{f"INPUT_{name}": value for name, value in given.items()},
    }
    done = subprocess.run(["bash", str(ROOT / "action" / "scan.sh")], env=environment, cwd=folder)
    return done.returncode, (folder / "called").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_job_ends_as_the_scan_does(tmp_path: Path, code: int) -> None:
    assert run_script(tmp_path, code, MODELS="m.onnx")[0] == code
    assert f"exit-code={code}\n" in (tmp_path / "output").read_text()
    assert (tmp_path / "summary").read_text() == "## Summary\n"


def test_inputs_are_words_and_never_commands(tmp_path: Path) -> None:
    hostile = "$(touch pwned).onnx"
    _, words = run_script(
        tmp_path, 0, MODELS=f"a b.onnx\n{hostile}\n-x.onnx\n", DATA="clean images", POLICY="p.toml", TIME_BUDGET="5m"
    )
    assert words[words.index("--") + 1 :] == ["a b.onnx", hostile, "-x.onnx"]
    for option, value in (("--data", "clean images"), ("--policy", "p.toml"), ("--time-budget", "5m")):
        assert words[words.index(option) + 1] == value
    assert not (tmp_path / "pwned").exists()


def test_options_that_were_not_given_are_not_passed_on(tmp_path: Path) -> None:
    _, words = run_script(tmp_path, 0, MODELS="m.onnx")
    assert not {"--data", "--effort", "--policy", "--time-budget"} & set(words)


@pytest.mark.parametrize("given", [{"EFFORT": "deep"}, {"PROFILE": "deep"}, {"EFFORT": "deep", "PROFILE": "quick"}])
def test_the_effort_has_an_old_name(tmp_path: Path, given: dict[str, str]) -> None:
    _, words = run_script(tmp_path, 0, MODELS="m.onnx", **given)
    assert words[words.index("--effort") + 1] == "deep"
    assert "--profile" not in words


def test_every_input_of_the_action_reaches_the_script() -> None:
    script = (ROOT / "action" / "scan.sh").read_text()
    action = (ROOT / "action.yml").read_text()
    for name in ("models", "data", "policy", "effort", "profile", "time-budget"):
        variable = f"INPUT_{name.upper().replace('-', '_')}"
        assert f"{variable}: ${{{{ inputs.{name} }}}}" in action
        assert f"${variable}" in script
