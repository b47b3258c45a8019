"""`onnxaudit init` writes what `onnxaudit scan` then reads."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from onnxaudit.cli import project_file
from onnxaudit.records import TensorInfo
from tools.testbed.reports import make_inspection

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
FILE = Path("onnxaudit.toml")


@pytest.fixture(autouse=True)
def folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with two models, one of which cannot be scanned."""
    del run

    def inspect(model: Path, *_: Any) -> Any:
        two = tuple(TensorInfo(name, "float", (1, 10)) for name in ('logits "a"', "loss"))
        return make_inspection(path=str(model), outputs=two, **({"model": None} if "bad" in model.name else {}))

    monkeypatch.setattr(project_file, "inspect_apart", inspect)
    for name in ("vendor/good.onnx", "vendor/bad.onnx", ".cache/old.onnx", "clean-images/0/a.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")


def test_a_scan_does_what_init_wrote(run: Run, pipeline: FakePipeline) -> None:
    outcome = run("init", "--yes")
    assert outcome.code == 0
    assert "left out: vendor/bad.onnx" in outcome.err
    assert outcome.out.strip() == FILE.read_text().strip()
    run("scan")
    (call,) = pipeline.calls
    assert str(call["arguments"][0]) == "vendor/good.onnx"
    assert (call["data"], call["effort"], call["output"]) == ("clean-images", "standard", "probabilities")
    assert {path.suffix for path in Path("audit").iterdir()} == {".json", ".html", ".sarif"}


def test_what_is_given_goes_before_what_is_found(run: Run) -> None:
    Path("ci").mkdir()
    Path("ci/policy.toml").write_text("")
    run("init", "vendor/good.onnx", "--yes", "--data", "mine.npz:x,y", "--effort", "quick")
    text = FILE.read_text()
    assert 'data = "mine.npz:x,y"' in text
    assert 'effort = "quick"' in text
    assert 'policy = "ci/policy.toml"' in text


def test_answers_at_a_terminal_are_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["-", "deep", "-"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: next(answers))
    outcome = run("init")
    assert outcome.code == 0
    assert "Without clean images no model is called clean" in outcome.err
    assert 'effort = "deep"' in FILE.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give --yes"),
        (("--yes", "vendor/bad.onnx"), "none of 1 models can be scanned"),
        (("--yes", "here.onnx"), "put models into a folder of their own"),
    ],
)
def test_nothing_is_written_where_that_would_say_nothing(run: Run, arguments: tuple[str, ...], told: str) -> None:
    outcome = run("init", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert not FILE.exists()


def test_a_file_that_is_there_stays(run: Run) -> None:
    FILE.write_text("# mine\n")
    assert run("init", "--yes").code == 2
    assert FILE.read_text() == "# mine\n"
