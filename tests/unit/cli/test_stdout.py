"""Stdout holds exactly one document, whatever happens and whoever prints."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from onnxaudit.cli.options import FormatName
from onnxaudit.cli.stdout import read_stdout_format
from onnxaudit.errors import ModelError, RepairError
from onnxaudit.records import ErrorDocument, RepairDocument, Verdict
from onnxaudit.report.formats import FORMATS
from onnxaudit.report.json import from_json
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome
from .statements import MODEL

Run = Callable[..., Outcome]
REPAIR = ("repair", "m", "--data", "x", "--output", "f.onnx")


def test_the_formats_on_the_command_line_are_those_that_are_there() -> None:
    assert get_args(FormatName) == tuple(FORMATS)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_changes_no_exit_code(run: Run, pipeline: FakePipeline, name: str, verdict: Verdict) -> None:
    pipeline.answers["scan"] = make_scan_report(verdict)
    assert run("scan", "m", "--format", name).code == run("scan", "m").code


def test_a_document_on_stdout_leaves_the_story_to_stderr(run: Run) -> None:
    outcome = run(*REPAIR, "--format", "json")
    assert isinstance(from_json(outcome.out), RepairDocument)
    assert "REPAIRED" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [("scan", "m"), ("scan", "m", "--seed", "x"), ("scan",), ("scan", "m", "--nope"), ("--nope", "scan"), REPAIR],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "wish", [("--format", "json"), ("--format=json",), ("--json", "-"), ("--json=-",)], ids=" ".join
)
@pytest.mark.parametrize("error", [ModelError("m is empty"), ZeroDivisionError("oh"), KeyboardInterrupt()], ids=repr)
def test_an_error_is_a_document_too(
    run: Run, pipeline: FakePipeline, arguments: tuple[str, ...], wish: tuple[str, ...], error: BaseException
) -> None:
    pipeline.answers = {"scan": error, "repair": error}
    outcome = run(*arguments, *wish)
    assert outcome.code in (2, 130)
    document = from_json(outcome.out)
    assert isinstance(document, ErrorDocument) or document.failures  # type: ignore[union-attr]


def test_an_error_takes_the_place_of_an_older_report(run: Run, pipeline: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "repair.json").write_text("{}")
    pipeline.answers["repair"] = RepairError("the draft is wrong")
    assert run(*REPAIR, "--json", "repair.json").code == 2
    assert from_json((tmp_path / "repair.json").read_text()) == ErrorDocument("the draft is wrong")


def test_an_output_that_is_an_input_is_never_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"model")
    outcome = run("scan", "m", "--json", "m", "--format", "json")
    assert outcome.code == 2
    assert "named twice" in json.loads(outcome.out)["error"]
    assert (tmp_path / "m").read_bytes() == b"model"


def test_two_documents_on_stdout_are_refused(run: Run, pipeline: FakePipeline) -> None:
    outcome = run("scan", "m", "--json", "-", "--format", "text")
    assert outcome.code == 2
    assert "one document" in outcome.err
    assert not pipeline.calls


def test_a_file_that_cannot_be_written_leaves_stdout_with_one_document(run: Run, pipeline: FakePipeline) -> None:
    def scan(*_: Any, **__: Any) -> Any:
        Path("report.json").mkdir()
        return make_scan_report()

    pipeline.answers["scan"] = scan
    outcome = run("scan", "m", "--json", "report.json", "--format", "json")
    assert outcome.code == 2
    assert isinstance(from_json(outcome.out), ErrorDocument)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["scan", "m"], "text"),
        (["scan", "m", "--format", "json"], "json"),
        (["scan", "m", "--format=json"], "json"),
        (["scan", "--json", "-", "m"], "json"),
        (["scan", "m", "--json", "file"], "text"),
        (["scan", "-"], "text"),
        (["scan", "m", "--format"], "text"),
    ],
)
def test_the_format_is_read_off_raw_arguments(arguments: list[str], name: str) -> None:
    assert read_stdout_format(arguments) == name


CHATTER = """
import ctypes, os, sys, types
from tools.testbed.reports import make_repair_report, make_scan_report

libc = ctypes.CDLL(None)

def scan(*_, **__):
    print("a package prints")
    os.write(1, b"a native library writes\\n")
    libc.puts(b"a native library prints")  # buffered until the process exits
    return make_scan_report()

pipeline = types.ModuleType("onnxaudit.pipeline")
pipeline.scan = pipeline.repair = pipeline.profile = scan
pipeline.PruningConfig = pipeline.RepairConfig = pipeline.ScanConfig = pipeline.DetectionConfig = lambda **_: None
sys.modules["onnxaudit.pipeline"] = pipeline
from onnxaudit.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="loads the C library by the name it has on POSIX systems")
def test_chatter_of_libraries_goes_to_stderr() -> None:
    process = subprocess.run(
        [sys.executable, "-c", CHATTER, "scan", "m", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert process.returncode == 1, process.stderr
    assert from_json(process.stdout)
    for chatter in ("a package prints", "a native library writes", "a native library prints"):
        assert chatter in process.stderr


def test_the_outcome_of_a_repair_does_not_depend_on_its_format(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["repair"] = make_repair_report(outcome="incomplete")
    for name in FORMATS:
        assert run(*REPAIR, "--format", name).code == 1


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        self.write("")


@pytest.mark.parametrize("options", [(), ("--format", "sarif")], ids=["text", "sarif"])
def test_every_file_is_written_whatever_becomes_of_stdout(
    attest: Callable[..., Outcome], run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    attest(Verdict.BACKDOORED)
    Path("a.json").unlink()
    files = ("--json", "r.json", "--html", "r.html", "--attest", "a.json", "--save-triggers", "triggers")
    monkeypatch.setattr(sys, "stdout", Closed())
    outcome = run("scan", str(MODEL), *files, *options)
    assert outcome.code == 2
    assert json.loads(Path("r.json").read_text())["reports"][0]["verdict"] == "backdoored"
    assert "<html" in Path("r.html").read_text()
    assert Path("a.json").exists()
    assert list(Path("triggers").glob("*.npz"))
