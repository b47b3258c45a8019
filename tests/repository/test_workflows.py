"""The repository's own workflows and hooks name what is there, and cover what the package says it runs on."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> dict[str, Any]:
    """A file of YAML, whose bare `on` is a key and no truth."""
    text = re.sub(r"^on:", '"on":', (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def list_steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
class TestEveryWorkflow:
    def test_it_may_only_read_and_ends(self, file: Path) -> None:
        workflow = read(str(file.relative_to(ROOT)))
        assert workflow["permissions"] == {"contents": "read"}
        assert all(job["timeout-minutes"] <= 240 for job in workflow["jobs"].values())

    def test_actions_of_others_are_pinned_by_commit_with_the_version_beside_it(self, file: Path) -> None:
        uses = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
        assert uses
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in uses)

    def test_no_step_keeps_the_right_to_push(self, file: Path) -> None:
        steps = list_steps(read(str(file.relative_to(ROOT))))
        checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)

    def test_make_is_asked_for_what_it_makes(self, file: Path) -> None:
        workflow = read(str(file.relative_to(ROOT)))
        for job in workflow["jobs"].values():
            choices = job.get("strategy", {}).get("matrix", {}).get("target", [])
            commands = [step["run"] for step in job["steps"] if step.get("run", "").startswith("make ")]
            named = {command.split()[-1] for command in commands} - {"}}"}
            assert {*named, *choices} <= TARGETS


def test_tests_run_on_every_system_and_python_that_the_package_names() -> None:
    matrix = read(".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    for entry in matrix["include"]:
        assert all((ROOT / folder).is_dir() for folder in entry["folders"].split())


def test_what_the_project_checks_of_itself_runs_for_every_change() -> None:
    workflow = read(".github/workflows/tests.yml")
    assert workflow["jobs"]["checks"]["strategy"]["matrix"]["target"] == ["lint", "docs", "coverage"]
    assert set(workflow["on"]) == {"push", "pull_request"}


def test_long_tests_run_every_night() -> None:
    workflow = read(".github/workflows/nightly.yml")
    assert re.fullmatch(r"\d+ \d+ \* \* \*", workflow["on"]["schedule"][0]["cron"])
    assert [step["run"] for step in list_steps(workflow) if "run" in step] == ["make PYTHON=python slow"]


def test_hooks_before_a_commit_are_those_of_make_lint_and_fetch_nothing() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    entries = {hook["entry"].replace(" --force-exclude", "") for hook in repository["hooks"]}
    lint = (ROOT / "Makefile").read_text(encoding="utf-8").split("lint:")[1].split("\n\n")[0]
    assert entries == {f".venv/bin/{command.removesuffix(' .')}" for command in re.findall(r"@\$\(BIN\)/(.*)", lint)}
