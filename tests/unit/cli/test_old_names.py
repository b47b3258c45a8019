"""Options that were renamed still work under their old names, and say so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
REPAIR = ("repair", "m.onnx", "--data", "x", "--output", "f.onnx")


@pytest.mark.parametrize(
    ("command", "old", "new", "value", "passed_on"),
    [(("scan", "m.onnx"), "--profile", "--effort", "deep", "deep"), (REPAIR, "--label", "--target", "3", 3)],
)
def test_an_old_name_works_and_says_so_in_one_line(
    run: Run, pipeline: FakePipeline, command: tuple[str, ...], old: str, new: str, value: str, passed_on: object
) -> None:
    quiet = run(*command, "--quiet", new, value)
    assert quiet.err == ""
    assert pipeline.calls[-1][new.removeprefix("--")] == passed_on
    outcome = run(*command, "--quiet", old, value)
    assert outcome.err == f"{old} is now called {new}; the old name goes in 0.2\n"
    assert outcome.code == quiet.code
    listeners = {name: pipeline.calls[-1][name] for name in ("on_event", "on_partial")}
    assert pipeline.calls[-1] == {**pipeline.calls[-2], **listeners}


def test_an_old_key_of_the_policy_works_and_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('required_looks = ["patch"]\n')
    outcome = run("policy", "show", "--policy", "p.toml")
    assert outcome.err == "policy p.toml: required_looks is now called required_detectors; the old name goes in 0.2\n"
    assert outcome.out == run("policy", "show", "--policy", "p.toml").out
    by_option = run("policy", "show", "--required-looks", "patch")
    assert by_option.err == "--required-looks is now called --required-detectors; the old name goes in 0.2\n"
    assert " patch  (command line)\n" in by_option.out


def test_both_names_at_once_are_refused(run: Run, pipeline: FakePipeline) -> None:
    outcome = run("scan", "m.onnx", "--effort", "deep", "--profile", "quick")
    assert (outcome.code, pipeline.calls) == (2, [])
    assert "--profile is the old name of --effort" in outcome.err


@pytest.mark.parametrize("command", ["scan", "repair", "inspect"])
def test_old_names_are_not_in_the_help(run: Run, command: str) -> None:
    shown = run(command, "--help").out
    assert "--profile" not in shown
    assert "--label" not in shown
