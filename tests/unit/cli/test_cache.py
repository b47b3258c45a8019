"""Where results are kept; and a whole report that is told again."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cache.folder import LAYOUT, REPORTS, open_cache
from onnxaudit.errors import ModelError
from onnxaudit.findings.interruptions import OUT_OF_TIME
from onnxaudit.records import MemoryPlan, Verdict
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
SCAN = ("scan", "m.onnx", "--cache-dir", "cache", "--json", "r.json", "-q")


@pytest.fixture(autouse=True)
def model(run: Run, pipeline: FakePipeline) -> Path:
    del run
    model = Path("m.onnx")
    model.write_bytes(b"model")
    pipeline.answers["scan"] = make_report()
    return model


def make_report(verdict: Verdict = Verdict.CLEAN, **changes: Any) -> Any:
    report = make_scan_report(verdict)
    whole = tuple(replace(one, complete=True) for one in report.detectors)
    model = replace(report.model, sha256=sha256(b"model").hexdigest())
    return replace(report, model=model, caveats=(), detectors=whole, **changes)


def read() -> Any:
    return json.loads(Path("r.json").read_text())


def test_a_second_scan_is_told_from_the_first(run: Run, pipeline: FakePipeline) -> None:
    first = run(*SCAN)
    before = read()
    second = run(*SCAN)
    after = read()
    assert (first.code, second.code, len(pipeline.calls)) == (0, 0, 1)
    assert after["reports"][0].pop("isolation").startswith("kept from an earlier scan")
    before["reports"][0].pop("isolation")
    assert after["reports"] == before["reports"]


def test_another_policy_costs_nothing_and_decides_anew(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = make_report(Verdict.BACKDOORED)
    assert run(*SCAN).code == 1
    assert run(*SCAN, "--exit-zero").code == 0
    assert len(pipeline.calls) == 1


def test_another_name_of_the_same_file_is_told(run: Run, pipeline: FakePipeline) -> None:
    run(*SCAN)
    Path("m.onnx").rename("n.onnx")
    run("scan", "n.onnx", *SCAN[2:])
    assert read()["reports"][0]["model"]["path"] == "n.onnx"
    assert len(pipeline.calls) == 1


@pytest.mark.parametrize(
    "further", [["--seed", "1"], ["--effort", "quick"], ["--range", "0,255"], ["--detectors", "patch"]]
)
def test_other_settings_scan_anew(run: Run, pipeline: FakePipeline, further: list[str]) -> None:
    run(*SCAN)
    run(*SCAN, *further)
    assert len(pipeline.calls) == 2


def test_other_bytes_of_model_or_data_scan_anew(run: Run, pipeline: FakePipeline) -> None:
    Path("d.npz").write_bytes(b"data")
    run(*SCAN, "--data", "d.npz")
    Path("d.npz").write_bytes(b"Data")
    run(*SCAN, "--data", "d.npz")
    Path("m.onnx").write_bytes(b"Model")
    run(*SCAN, "--data", "d.npz")
    assert len(pipeline.calls) == 3


def test_other_labels_beside_an_array_scan_anew(run: Run, pipeline: FakePipeline) -> None:
    Path("x.npy").write_bytes(b"images")
    for labels in (b"labels", b"labels", b"Labels"):
        Path("y.npy").write_bytes(labels)
        run(*SCAN, "--data", "x.npy:y.npy")
    assert len(pipeline.calls) == 2


def test_data_that_change_during_a_scan_leave_no_report(run: Run, pipeline: FakePipeline) -> None:
    Path("d.npz").write_bytes(b"data")

    def scan(*_: Any, **__: Any) -> Any:
        Path("d.npz").write_bytes(b"Data")
        return make_report()

    pipeline.answers["scan"] = scan
    run(*SCAN, "--data", "d.npz")
    Path("d.npz").write_bytes(b"data")
    pipeline.answers["scan"] = make_report(Verdict.BACKDOORED)
    assert run(*SCAN, "--data", "d.npz").code == 1


def test_data_that_change_between_two_models_are_read_again(run: Run, pipeline: FakePipeline) -> None:
    Path("d.npz").write_bytes(b"data")
    run(*SCAN, "--data", "d.npz")
    Path("n.onnx").write_bytes(b"other model")

    def scan(model: Path, **_: Any) -> Any:
        if model.name == "n.onnx":
            Path("d.npz").write_bytes(b"Data")
        return make_report(Verdict.BACKDOORED)

    pipeline.answers["scan"] = scan
    assert run("scan", "n.onnx", "m.onnx", *SCAN[2:], "--data", "d.npz").code == 1
    assert [report["verdict"] for report in read()["reports"]] == ["backdoored", "backdoored"]


def test_what_more_memory_may_change_is_not_kept(run: Run, pipeline: FakePipeline) -> None:
    report = make_report()
    held = report.samples.count
    for samples, calls in ((held, 2), (held + 1, 3)):
        plan = MemoryPlan(promised=2**30, samples=samples, run_images=1, step_images=None, threads=1)
        pipeline.answers["scan"] = replace(report, memory=plan)
        run(*SCAN)
        run(*SCAN)
        assert len(pipeline.calls) == calls


@pytest.mark.parametrize("there", [True, False])
def test_other_visible_devices_scan_anew_where_there_are_any(
    run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr("onnxaudit.cli.recall.has_accelerators", lambda: there)
    for visible in ("", "0", "0"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        run(*SCAN)
    assert len(pipeline.calls) == 1 + there


def test_what_more_time_may_change_is_not_kept(run: Run, pipeline: FakePipeline) -> None:
    late = replace(make_report(Verdict.INCONCLUSIVE), caveats=(OUT_OF_TIME.give(doing="waiting"),))
    other = replace(make_report(), model=replace(make_report().model, sha256="0" * 64))
    slow = make_report(duration_seconds=20.0)
    for report, further in ((late, ()), (other, ()), (slow, ("--time-budget", "10s"))):
        pipeline.answers["scan"] = report
        run(*SCAN, *further)
    pipeline.answers["scan"] = ValueError("damaged")
    assert run(*SCAN).code == 2
    assert len(pipeline.calls) == 4
    assert not list(Path("cache", LAYOUT, REPORTS).iterdir())


@pytest.mark.parametrize("settled", [True, False])
def test_what_the_bytes_alone_make_fail_is_told_again_under_todays_name(
    run: Run, pipeline: FakePipeline, settled: bool
) -> None:
    error = ModelError("m.onnx: not an ONNX file")
    error.settled = settled
    pipeline.answers["scan"] = error
    first = run(*SCAN)
    Path("m.onnx").rename("n.onnx")
    second = run("scan", "n.onnx", *SCAN[2:])
    assert len(pipeline.calls) == (1 if settled else 2)
    assert (first.code, second.code) == (2, 2)
    if settled:
        assert second.err == "error: n.onnx: not an ONNX file\n"
        assert read()["failures"] == [{"path": "n.onnx", "error": "n.onnx: not an ONNX file"}]


@pytest.mark.parametrize("cause", [MemoryError(), RuntimeError("bad allocation"), RuntimeError("out of memory")])
def test_a_failure_for_want_of_memory_is_not_kept(run: Run, pipeline: FakePipeline, cause: Exception) -> None:
    error = ModelError("m.onnx: not a valid ONNX model")
    error.settled, error.__cause__ = True, cause
    pipeline.answers["scan"] = error
    assert [run(*SCAN).code, run(*SCAN).code, len(pipeline.calls)] == [2, 2, 2]


def test_a_file_that_changes_while_it_fails_leaves_nothing(run: Run, pipeline: FakePipeline) -> None:
    error = ModelError("m.onnx: not an ONNX file")
    error.settled = True

    def scan(*_: Any, **__: Any) -> Any:
        Path("m.onnx").write_bytes(b"other")
        raise error

    pipeline.answers["scan"] = scan
    run(*SCAN)
    Path("m.onnx").write_bytes(b"model")
    pipeline.answers["scan"] = make_report()
    assert run(*SCAN).code == 0


def test_an_entry_that_is_none_is_scanned_anew(run: Run, pipeline: FakePipeline) -> None:
    run(*SCAN)
    (entry,) = Path("cache", LAYOUT, REPORTS).iterdir()
    entry.write_bytes(entry.read_bytes().replace(b'"clean"', b'"Clean"'))
    assert run(*SCAN).code == 0
    assert len(pipeline.calls) == 2


def test_no_cache_keeps_nothing(run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNXAUDIT_CACHE", str(Path("cache").absolute()))
    for _ in range(2):
        run("scan", "m.onnx", "--no-cache")
    assert len(pipeline.calls) == 2
    assert not Path("cache").exists()
    assert run("scan", "m.onnx", "--no-cache", "--cache-dir", "cache").code == 2


def test_the_usual_place_is_the_users_cache_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONNXAUDIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("xdg").absolute()))
    assert run("scan", "m.onnx").code == 0
    assert Path("xdg/onnxaudit", LAYOUT).is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    assert run("scan", "m.onnx").code == 0
    assert Path("home/.cache/onnxaudit", LAYOUT).is_dir()


def test_without_a_home_there_is_one_line_and_no_cache(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONNXAUDIT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    done = run("scan", "m.onnx", "-q")
    assert done.code == 0
    assert done.err.count("\n") == 1
    Path("file").write_bytes(b"")
    monkeypatch.setenv("HOME", str(Path("file").absolute()))
    done = run("scan", "m.onnx", "-q")
    assert (done.code, done.err.count("\n")) == (0, 1)


def test_a_folder_named_from_here_is_found_from_everywhere(run: Run, tmp_path: Path) -> None:
    del run
    assert open_cache(Path("cache")).root == tmp_path / "cache"


def test_a_named_folder_that_cannot_be_used_is_an_error(run: Run) -> None:
    Path("open").mkdir()
    Path("open").chmod(0o755)
    done = run("scan", "m.onnx", "--cache-dir", "open")
    assert done.code == 2
    assert "chmod 700" in done.err


def test_stats_and_clear(run: Run) -> None:
    assert run("cache", "stats", "--cache-dir", "cache").out == "there is no cache\n"
    run(*SCAN)
    assert "\n1 report, " in run("cache", "stats", "--cache-dir", "cache").out
    assert run("cache", "clear", "--cache-dir", "cache").code == 0
    assert "0 reports" in run("cache", "stats", "--cache-dir", "cache").out
