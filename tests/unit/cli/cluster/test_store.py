"""A store under a cluster: what one machine finished another finds; one that cannot reach it scans all the same."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli.cluster import ray_engine
from onnxaudit.cli.cluster.job import Job, write
from onnxaudit.cli.cluster.station import Caches, do
from onnxaudit.cli.shared_cache import SharedCache
from tests.unit.cli.conftest import FakePipeline, Outcome
from tests.unit.cli.test_cache import make_report

from .engines import FakeEngine

fsspec: Any = pytest.importorskip("fsspec", reason="fsspec comes with PyTorch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
Run = Callable[..., Outcome]
URL, UNIT = "memory://team/cluster", "c" * 64
SPREAD = ("scan", "m.onnx", "--json", "r.json", "--engine", "ray", "--cache-dir")


@pytest.fixture(autouse=True)
def files(run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An empty store, a model, and a cluster in which each job has a machine of its own."""
    del run
    Path("m.onnx").write_bytes(b"model")
    pipeline.answers["scan"] = make_report()
    monkeypatch.setattr(ray_engine, "RayEngine", lambda _: FakeEngine(scan_elsewhere))
    found: dict[str, Any] = fsspec.filesystem("memory").store
    yield found
    found.clear()


def scan_elsewhere(job: Job) -> bytes:
    with ExitStack() as stack:
        return write(do(job, [Path.cwd()], Caches(stack)))


def test_a_report_that_a_machine_kept_is_found_by_the_next_run(run: Run, pipeline: FakePipeline) -> None:
    for _ in range(2):
        assert (run(*SPREAD, URL).code, len(pipeline.calls)) == (0, 1)
    assert "kept from an earlier scan" in Path("r.json").read_text()


def test_what_a_lost_machine_finished_is_found_by_the_next(
    run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[bytes | None]()

    def scan(*_: Any, shelf: Any, **__: Any) -> Any:
        found.append(shelf.find(UNIT))
        shelf.keep(UNIT, b"evidence")
        if len(found) == 1:
            raise KeyboardInterrupt
        return make_report()

    def do_again(job: Job) -> bytes:
        try:
            return scan_elsewhere(job)
        except KeyboardInterrupt:
            return scan_elsewhere(job)

    pipeline.answers["scan"] = scan
    monkeypatch.setattr(ray_engine, "RayEngine", lambda _: FakeEngine(do_again))
    assert (run(*SPREAD, URL).code, found) == (0, [None, b"evidence"])


def test_machines_without_a_way_to_the_store_scan_and_say_so_once(
    run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("n.onnx").write_bytes(b"another")

    def scan_without(job: Job) -> bytes:
        return scan_elsewhere(replace(job, cache="s3://team/cache"))

    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr(ray_engine, "RayEngine", lambda _: FakeEngine(scan_without))
    done = run(*SPREAD, URL, "n.onnx")
    assert (done.code, len(pipeline.calls)) == (0, 2)
    assert done.err.count("on a machine of the cluster: more is computed, for want of a cache") == 1
    assert "pip install s3fs" in done.err


def test_what_a_machine_says_of_its_store_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    url = Path("file").absolute().as_uri() + "/in"

    monkeypatch.setattr(
        ray_engine, "RayEngine", lambda _: FakeEngine(lambda job: scan_elsewhere(replace(job, cache=url)))
    )
    done = run(*SPREAD, URL)
    assert (done.code, done.err.count(f"on a machine of the cluster: the cache at {url} cannot be used")) == (0, 1)


def test_what_talks_to_the_store_begins_before_the_engine(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    order = list[str]()

    def join(_: str | None) -> FakeEngine:
        order.append("engine")
        return FakeEngine(scan_elsewhere)

    monkeypatch.setattr(SharedCache, "begin", lambda _: order.append("store"))
    monkeypatch.setattr(ray_engine, "RayEngine", join)
    assert (run(*SPREAD, URL).code, order) == (0, ["store", "engine"])


def test_a_scan_knows_its_place_among_those_that_share_its_parts(
    run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, sent = list[int | None](), list[Job]()

    def scan(*_: Any, shelf: Any, **__: Any) -> Any:
        places.append(shelf.place)
        if shelf.place == 0:
            scan_elsewhere(replace(sent[0], place=2))
        return make_report()

    def note(job: Job) -> bytes:
        sent.append(job)
        return scan_elsewhere(job)

    pipeline.answers["scan"] = scan
    monkeypatch.setattr(ray_engine, "RayEngine", lambda _: FakeEngine(note))
    assert run(*SPREAD, URL, "--jobs", "1").code == 0
    Path("m.onnx").write_bytes(b"another model")
    assert run("scan", "m.onnx", "--cache-dir", URL).code == 0
    assert places == [0, 2, None]
