"""Parts of a run, joined, are the run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.records import ErrorDocument, Verdict
from onnxaudit.report.json import canonical, from_json, to_json
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
MODELS = ("a.onnx", "b.onnx", "c.onnx", "d.onnx")


@pytest.fixture(autouse=True)
def models(run: Run, pipeline: FakePipeline) -> None:
    """Four models in the working folder, of which two are not clean."""
    del run
    for name in MODELS:
        Path(name).write_bytes(name.encode())

    def scan(model: Path, **_: Any) -> Any:
        if model.name == "b.onnx":
            raise ValueError("damaged")
        verdict = Verdict.BACKDOORED if model.name == "d.onnx" else Verdict.CLEAN
        return make_scan_report(verdict)

    pipeline.answers["scan"] = scan


def scan_parts(run: Run, count: int) -> list[str]:
    names = []
    for number in range(1, count + 1):
        names.append(f"part-{number}.json")
        run("scan", *MODELS, "--shard", f"{number}/{count}", "--json", names[-1], "-q")
    return names


def read(name: str) -> str:
    return canonical(from_json(Path(name).read_bytes()))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_parts_in_any_order_are_the_whole(run: Run, count: int) -> None:
    whole = run("scan", *MODELS, "--json", "whole.json", "-q")
    joined = run("merge", *reversed(scan_parts(run, count)), "--json", "joined.json", "-q")
    assert whole.code == joined.code == 1
    assert read("joined.json") == read("whole.json")
    assert [report["model"]["path"] for report in json.loads(Path("joined.json").read_text())["reports"]] == [
        name for name in MODELS if name != "b.onnx"
    ]


def test_a_missing_part_is_an_error(run: Run) -> None:
    names = scan_parts(run, 4)
    done = run("merge", names[0], names[2], "--json", "joined.json")
    assert done.code == 2
    assert "part 2, 4 is missing" in done.err


def test_parts_of_different_runs_are_refused(run: Run) -> None:
    names = scan_parts(run, 2)
    run("scan", "a.onnx", "--json", "alone.json", "-q")
    assert run("merge", *names, "alone.json").code == 2
    assert run("merge", "alone.json", "alone.json").code == 2


def test_parts_of_different_lists_are_refused(run: Run) -> None:
    run("scan", *MODELS[:3], "--shard", "1/2", "--json", "1.json", "-q")  # of three the first
    run("scan", *MODELS, "--shard", "2/2", "--json", "2.json", "-q")  # of four the last two
    done = run("merge", "1.json", "2.json", "-q")
    assert done.code == 2
    assert "parts of different lists of models" in done.err


def test_where_the_files_lie_makes_no_other_list(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = run("scan", *MODELS, "--json", "whole.json", "-q")
    run("scan", *MODELS, "--shard", "1/2", "--json", "1.json", "-q")
    monkeypatch.chdir("/")
    run("scan", *(str(tmp_path / name) for name in MODELS), "--shard", "2/2", "--json", str(tmp_path / "2.json"), "-q")
    monkeypatch.chdir(tmp_path)
    assert run("merge", "1.json", "2.json", "--json", "joined.json", "-q").code == whole.code
    assert read("joined.json") == read("whole.json")


def test_a_part_that_came_to_nothing_says_why(run: Run) -> None:
    names = scan_parts(run, 2)
    Path(names[1]).write_text(to_json(ErrorDocument("interrupted by SIGTERM")))
    done = run("merge", *names, "-q")
    assert done.code == 2
    assert "part-2.json holds no results, but why there are none: interrupted by SIGTERM" in done.err


def test_a_part_that_is_named_twice_is_refused(run: Run) -> None:
    names = scan_parts(run, 2)
    assert "part-1.json is named twice" in run("merge", *names, names[0]).err
    Path("copy.json").write_bytes(Path(names[0]).read_bytes())
    assert "stands in two of the runs" in run("merge", *names, "copy.json").err


def test_parts_with_different_settings_are_refused(run: Run) -> None:
    run("scan", *MODELS, "--shard", "1/2", "--seed", "1", "--json", "1.json", "-q")
    run("scan", *MODELS, "--shard=2/2", "--seed=1", "--json", "2.json", "-v")
    assert run("merge", "1.json", "2.json", "-q").code == 1
    run("scan", *MODELS, "--shard", "2/2", "--seed", "1", "--effort", "quick", "--json", "2.json", "-q")
    done = run("merge", "1.json", "2.json", "-q")
    assert done.code == 2
    assert "different --effort" in done.err


def test_a_failure_in_a_part_is_no_clean_run(run: Run) -> None:
    run("scan", "a.onnx", "--json", "1.json", "-q")
    run("scan", "b.onnx", "--json", "2.json", "-q")
    assert run("merge", "1.json", "2.json", "-q").code == 2


def test_all_formats_hold_all_models(run: Run) -> None:
    names = scan_parts(run, 2)
    run("merge", *names, "--sarif", "s.sarif", "--junit", "j.xml", "--html-dir", "pages", "-q")
    (sarif,) = json.loads(Path("s.sarif").read_text())["runs"]
    assert {one["location"]["uri"] for one in sarif["artifacts"]} >= {"a.onnx", "c.onnx", "d.onnx"}
    assert all(name in Path("j.xml").read_text() for name in MODELS)
    index = Path("pages/index.html").read_text()
    pages = sorted(path.name for path in Path("pages").iterdir())
    assert pages == ["0001-a.html", "0002-c.html", "0003-d.html", "index.html"]
    places = [index.index(name) for name in ("0003-d.html", "b.onnx", "0001-a.html", "0002-c.html")]
    assert places == sorted(places)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_what_is_no_part_is_refused(run: Run, shard: str) -> None:
    assert run("scan", *MODELS, "--shard", shard).code == 2
