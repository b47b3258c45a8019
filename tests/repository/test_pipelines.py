"""The examples for pipelines name what is there; GitLab's script is run, over a command that notes its words."""

import inspect
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from onnxaudit.gate.layers import PREFIX
from onnxaudit.testing import assert_clean
from tests.documentation.pages import ROOT, read_blocks

BLOCKS = read_blocks((ROOT / "docs" / "how-to" / "gate-in-ci.md").read_text(encoding="utf-8"))
STUB = """#!/bin/sh
printf '%s\\n' "$@" >"$CALLED"
while [ "$#" -gt 0 ]; do
  case "$2" in audit/*) echo x >"$2" ;; esac
  shift
done
exit "$CODE"
"""


def read_example(title: str) -> Any:
    """The example of that name on the page."""
    (block,) = (block for block in BLOCKS if block.title == title)
    return yaml.safe_load(block.text) if title.endswith((".yml", ".yaml")) else block.text


def read_action() -> dict[str, Any]:
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return action


def test_the_workflow_gives_inputs_and_reads_outputs_that_the_action_has() -> None:
    text = next(block.text for block in BLOCKS if block.title == ".github/workflows/gate.yml")
    steps = read_example(".github/workflows/gate.yml")["jobs"]["gate"]["steps"]
    (audit,) = (step for step in steps if step.get("id") == "audit")
    action = read_action()
    needed = {name for name, value in action["inputs"].items() if value.get("required")}
    assert needed <= set(audit["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.audit\.outputs\.([\w-]+)", text)) <= set(action["outputs"])


def test_the_page_lists_every_input_and_output_of_the_action() -> None:
    page = (ROOT / "docs" / "how-to" / "gate-in-ci.md").read_text(encoding="utf-8")
    for name in (*read_action()["inputs"], *read_action()["outputs"]):
        assert f"`{name}`" in page


def test_every_output_of_the_action_is_set_by_its_script() -> None:
    script = (ROOT / "action" / "scan.sh").read_text(encoding="utf-8")
    for name, output in read_action()["outputs"].items():
        assert output["value"] == f"${{{{ steps.scan.outputs.{name} }}}}"
        assert f'echo "{name}=' in script


def test_the_readme_gives_inputs_that_the_action_has() -> None:
    blocks = read_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    (step,) = next(yaml.safe_load(block.text) for block in blocks if block.language == "yaml")
    assert set(step["with"]) <= set(read_action()["inputs"])
    for name in ("models", "data"):
        assert (ROOT / step["with"][name]).is_file()


def test_the_hook_is_there() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (repository,) = read_example(".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in hooks}


def test_the_fixture_takes_what_the_example_gives() -> None:
    calls: list[inspect.BoundArguments] = []
    space: dict[str, Any] = {}
    exec(read_example("tests/test_vendor_model.py"), space)
    (test,) = (value for name, value in space.items() if name.startswith("test_"))
    test(lambda *given, **named: calls.append(inspect.signature(assert_clean).bind(*given, **named)))
    assert calls[0].arguments["policy"] == "ci/policy.toml"


def run_gitlab(folder: Path, code: int) -> tuple[int, list[str]]:
    """The job's exit code, and the words that `onnxaudit` was called with."""
    stub = folder / "bin" / "onnxaudit"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    job = read_example(".gitlab-ci.yml")["onnxaudit"]
    environment = {
        "PATH": f"{stub.parent}:{os.environ['PATH']}",
        "CALLED": str(folder / "called"),
        "CODE": str(code),
        **job["variables"],
        "MODEL": "a b.onnx",
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], env=environment, cwd=folder, capture_output=True
    )
    return done.returncode, (folder / "called").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_job_of_gitlab_ends_as_the_scan_does(tmp_path: Path, code: int) -> None:
    ended, words = run_gitlab(tmp_path, code)
    assert ended == code
    assert words[:2] == ["scan", "a b.onnx"]


def test_the_job_of_gitlab_writes_what_it_says_it_keeps(tmp_path: Path) -> None:
    run_gitlab(tmp_path, 1)
    artifacts = read_example(".gitlab-ci.yml")["onnxaudit"]["artifacts"]
    assert artifacts["when"] == "always"
    for path in (*artifacts["paths"], *artifacts["reports"].values()):
        assert (tmp_path / path).exists()
    written = {file.name.split(".")[-1] for file in (tmp_path / "audit").iterdir()}
    assert {"xml", "sarif", "html", "json"} <= written


def test_no_variable_of_the_job_is_taken_for_a_key_of_the_policy() -> None:
    job = read_example(".gitlab-ci.yml")["onnxaudit"]
    assert not [name for name in (*job["variables"], job["image"]["name"].strip("$")) if name.startswith(PREFIX)]
