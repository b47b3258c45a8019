"""A report is rendered again from its JSON alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from onnxaudit.records import RepairDocument, ScanDocument, Verdict
from onnxaudit.report.formats import FORMATS, render
from onnxaudit.report.json import from_json, to_json
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
FILES = {"json": "new.json", "sarif": "r.sarif", "markdown": "r.md", "junit": "r.xml"}
ALL_FILES = tuple(word for name, file in FILES.items() for word in (f"--{name}", file))


@pytest.fixture
def report(tmp_path: Path) -> ScanDocument:
    document = ScanDocument((make_scan_report(), make_scan_report(Verdict.CLEAN)))
    (tmp_path / "run.json").write_text(to_json(document))
    return document


def test_all_files_are_written_at_once_and_say_what_the_run_said(
    run: Run, report: ScanDocument, tmp_path: Path
) -> None:
    outcome = run("report", "run.json", *ALL_FILES)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("BACKDOORED")
    for name, file in FILES.items():
        assert (tmp_path / file).read_text() == render(report, name)


def test_a_scan_writes_what_a_report_of_it_writes(run: Run, tmp_path: Path) -> None:
    assert run("scan", "m", *ALL_FILES).code == 1
    written = {name: (tmp_path / file).read_text() for name, file in FILES.items()}
    assert written == {name: render(from_json(written["json"]), name) for name in FILES}


@pytest.mark.parametrize("name", FORMATS)
def test_any_format_goes_to_stdout(run: Run, report: ScanDocument, name: str) -> None:
    assert run("report", "run.json", "--format", name).out == render(report, name)


def test_a_repair_is_rendered_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(to_json(RepairDocument((make_repair_report(),))))
    assert run("report", "run.json").out.startswith("REPAIRED")


@pytest.mark.parametrize("content", [None, "", "{}", '{"schema_version": "2.0"}'])
def test_what_is_no_report_is_an_error(run: Run, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    outcome = run("report", "run.json", "--format", "sarif")
    assert outcome.code == 2
    assert "run.json" in outcome.err
    (result,) = json.loads(outcome.out)["runs"]
    assert result["invocations"][0]["executionSuccessful"] is False


def test_the_report_itself_is_never_overwritten(run: Run, report: ScanDocument, tmp_path: Path) -> None:
    assert run("report", "run.json", "--sarif", "run.json").code == 2
    assert (tmp_path / "run.json").read_text() == to_json(report)


WITHOUT_FRAMEWORKS = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "onnxruntime", "onnx", "onnx_graphsurgeon"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())
from onnxaudit.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_neither_torch_nor_onnx_nor_onnxruntime_is_needed(report: ScanDocument, tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_FRAMEWORKS, "report", tmp_path / "run.json", "--sarif", tmp_path / "r.sarif"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == render(report, "text")
    assert (tmp_path / "r.sarif").read_text() == render(report, "sarif")


def test_failures_leave_no_file_half_written(run: Run, pipeline: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "r.sarif").mkdir()
    assert run("scan", "m", *ALL_FILES).code == 2
    assert not pipeline.calls
    assert [path.name for path in tmp_path.iterdir()] == ["r.sarif"]


def test_a_report_holds_the_arguments_and_the_date_of_its_run(run: Callable[..., Outcome]) -> None:
    run("scan", "m.onnx", "--json", "r.json", "--effort", "quick")
    told = json.loads(Path("r.json").read_text())["run"]
    assert told["arguments"] == ["scan", "m.onnx", "--json", "r.json", "--effort", "quick"]
    assert datetime.fromisoformat(told["started"]).tzinfo is not None
