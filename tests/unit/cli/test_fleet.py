"""Several scans at once: one that fails, in whatever way, takes none of the others with it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli.errand import Errand
from onnxaudit.cli.fleet import BASE, Room
from onnxaudit.errors import ShortOfMemoryError
from onnxaudit.isolation.worker import can_fork
from onnxaudit.report.json import canonical, from_json

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are made by forking")
ROOT = Path(__file__).parents[3]
MODELS = ("a-clean", "b-crashes", "c-clean", "d-hangs", "e-lies", "f-short", "g-clean", "h-raises")
STUB = """
import os, sys, time, types
from pathlib import Path
from dataclasses import replace
HOME = Path.cwd()
from tools.testbed.reports import make_scan_report
from onnxaudit.errors import ModelError, ShortOfMemoryError
from onnxaudit.records import Event, Verdict

def scan(model, *, on_event, on_partial, memory=None, **_):
    name = Path(model).name
    on_event(Event("load", 0, 0, "reading"))
    report = make_scan_report(Verdict.CLEAN)
    report = replace(report, model=replace(report.model, path=str(model)))
    if "hangs" in name:
        on_partial(replace(report, verdict=Verdict.INCONCLUSIVE))
        time.sleep(1000)
    if "crashes" in name:
        os.abort()
    if "lies" in name:
        os.write(max(int(one) for one in os.listdir("/proc/self/fd") if one.isdigit()), b"p" + bytes([255]) * 20)
        os._exit(0)
    if "short" in name and memory < 3 * 2**30:
        raise ShortOfMemoryError("too little")
    if "raises" in name:
        raise ModelError(name + ": no model")
    time.sleep(0.05)
    return report

pipeline = types.ModuleType("onnxaudit.pipeline")
pipeline.scan = scan
sys.modules["onnxaudit.pipeline"] = pipeline
from onnxaudit.cli import isolation, main
isolation.GRACE = 4.0
sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    for name in MODELS:
        (tmp_path / "models" / f"{name}.onnx").write_bytes(name.encode())
    return tmp_path


def begin(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    paths = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    return subprocess.Popen(
        [sys.executable, "-c", STUB, "scan", "models", "--memory", "4GiB", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_one_bad_model_stops_no_other_and_any_number_of_jobs_finds_the_same(folder: Path) -> None:
    found = {}
    for jobs in (1, 3):
        further = ("--time-budget", "1s", "--json", f"{jobs}.json", "--jobs", str(jobs), "--progress", "lines")
        process = begin(folder, *further)
        out, told = process.communicate(timeout=240)
        assert process.returncode == 2, told
        assert "Traceback" not in told
        found[jobs] = read(folder, f"{jobs}.json")
        assert all(f"{name}.onnx" in out + told for name in MODELS)
        named = ", ".join(f"models/{name}.onnx" for name in ("b-crashes", "e-lies", "h-raises"))
        assert f"8 models: 4 clean; 1 inconclusive; 3 could not be scanned: {named}\n" in told
    names = [[Path(one["model"]["path"]).stem for one in document["reports"]] for document in found.values()]
    assert names == [["a-clean", "c-clean", "d-hangs", "f-short", "g-clean"]] * 2
    failed = [[Path(one["path"]).stem for one in document["failures"]] for document in found.values()]
    assert failed == [["b-crashes", "e-lies", "h-raises"]] * 2
    assert canonical(from_json((folder / "1.json").read_bytes())) == canonical(
        from_json((folder / "3.json").read_bytes())
    )


def test_an_interrupt_keeps_what_is_known_and_names_the_rest(folder: Path) -> None:
    process = begin(folder, "--json", "r.json", "--jobs", "2", "--progress", "lines")
    assert process.stderr is not None
    for line in process.stderr:
        if "d-hangs.onnx: reading" in line:
            break
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; there is no cache" in told
    document = read(folder, "r.json")
    assert len(document["reports"]) + len(document["failures"]) == len(MODELS)
    by_name = {Path(one["model"]["path"]).stem: one for one in document["reports"]}
    assert by_name["a-clean"]["verdict"] == "clean"
    assert by_name["d-hangs"]["verdict"] == "inconclusive"
    assert by_name["d-hangs"]["caveats"][0]["code"] == "interrupted"


def test_too_little_memory_is_told_where_there_is_no_more(run: Run, pipeline: FakePipeline) -> None:
    Path("m.onnx").write_bytes(b"model")
    pipeline.answers["scan"] = ShortOfMemoryError("too little memory")
    done = run("scan", "m.onnx", "-q")
    assert (done.code, done.err) == (2, "error: m.onnx: too little memory\n")


def test_a_model_without_a_process_stops_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.onnx", "b.onnx"):
        Path(name).write_bytes(b"model")
    begin_usually = Errand.begin

    def begin_or_fail(errand: Errand, *arguments: Any) -> Any:
        if errand.model.name == "a.onnx":
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return begin_usually(errand, *arguments)

    monkeypatch.setattr(Errand, "begin", begin_or_fail)
    done = run("scan", "a.onnx", "b.onnx", "--fail-on", "suspicion", "--exit-zero", "--json", "r.json", "-q")
    assert done.code == 2
    assert "a.onnx: no worker process can be made: Resource temporarily unavailable" in done.err
    document = json.loads(Path("r.json").read_text())
    assert [one["model"]["path"] for one in document["reports"]] == ["b.onnx"]
    assert [one["path"] for one in document["failures"]] == ["a.onnx"]


def test_memory_is_shared_and_large_models_get_more(tmp_path: Path) -> None:
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    small.write_bytes(b"small")
    with large.open("wb") as file:
        file.truncate(500 * 2**20)
    room = Room(jobs=4, memory=8 * 2**30)
    assert room.grant(small, alone=False) == 2 * 2**30
    assert room.grant(large, alone=False) == BASE + 6 * 500 * 2**20
    assert room.grant(small, alone=True) == room.memory
    assert Room(jobs=4, memory=None).grant(large, alone=False) is None


@pytest.mark.parametrize("option", ["--json", "--attest"])
def test_a_list_of_models_is_no_output(run: Run, option: str) -> None:
    Path("a.onnx").write_bytes(b"model")
    Path("list.txt").write_text("a.onnx\n")
    assert run("scan", "list.txt", option, "list.txt").code == 2
    assert Path("list.txt").read_text() == "a.onnx\n"
