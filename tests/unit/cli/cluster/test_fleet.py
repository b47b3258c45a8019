"""The scans of a run on a cluster: one that comes to nothing takes none of the others with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cache.folder import Cache, open_cache
from onnxaudit.cli.board import SilentBoard
from onnxaudit.cli.cluster.engine import LostError, Machine
from onnxaudit.cli.cluster.fleet import ClusterFleet
from onnxaudit.cli.cluster.job import Job
from onnxaudit.cli.errand import Crew, Errand, Outcome
from onnxaudit.cli.exits import Settings
from onnxaudit.cli.project import Job as Scanned
from onnxaudit.cli.recall import Recollection
from onnxaudit.errors import UsageError
from onnxaudit.gate.policy import Policy
from onnxaudit.records import ScanFailure, ScanReport
from tools.testbed.reports import make_scan_report

from .engines import GIB, FakeEngine, lose, tell

Answering = Callable[[Job], bytes]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        Path(f"{name}.onnx").write_bytes(name.encode())
    Path("data").mkdir()
    return tmp_path


def send(
    engine: FakeEngine, *, jobs: int | None = None, names: str = "abcd", cache: Cache | None = None, **options: Any
) -> dict[str, Outcome]:
    policy = Policy()
    crew = Crew(
        policy=policy,
        progress="none",
        together=True,
        settings=Settings(),
        recollection=Recollection(cache, policy),
    )
    models = [Path(f"{name}.onnx") for name in names]
    errands = [
        Errand(number, Scanned(model=model, options=options), crew) for number, model in enumerate(models, start=1)
    ]
    fleet = ClusterFleet(errands, engine, SilentBoard(), crew, jobs=jobs)
    try:
        return {errand.model.stem: outcome for errand, outcome in fleet.run()}
    finally:
        fleet.close()


def find_clean(job: Job) -> bytes:
    report = make_scan_report()
    return tell(replace(report, model=replace(report.model, path=job.model)))


def test_every_model_gets_its_own_report_and_files_are_sent_once() -> None:
    engine = FakeEngine(find_clean)
    found = send(engine, data="data")
    assert {name: one.model.path for name, one in found.items() if isinstance(one, ScanReport)} == {
        name: f"{name}.onnx" for name in "abcd"
    }
    assert len(engine.puts) == 5  # four models, and the data once
    assert all(job.sources == {"data": "data"} and "data" not in job.options for job, _ in engine.jobs)
    assert engine.closed


def tell_nothing(job: Job) -> bytes:
    return tell(ScanFailure(job.model, "no model")).replace(b"no model", b"no\\nmodel")


@pytest.mark.parametrize("nothing", [lose, lambda _: b"{}", lambda _: b"\xff", tell_nothing])
def test_what_comes_to_nothing_is_named_and_stops_no_other(
    nothing: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = FakeEngine(lambda job: nothing(job) if job.model == "b.onnx" else find_clean(job))
    found = send(engine)
    assert [name for name, one in found.items() if isinstance(one, ScanFailure)] == ["b"]
    assert capsys.readouterr().err.startswith("error: b.onnx: ")


def test_a_model_that_cannot_be_read_stops_no_other() -> None:
    Path("b.onnx").unlink()
    found = send(FakeEngine(find_clean))
    assert [name for name, one in found.items() if isinstance(one, ScanFailure)] == ["b"]


def test_a_scan_takes_its_part_of_a_machine_and_all_of_it_where_that_was_too_little() -> None:
    def want_more(job: Job) -> bytes:
        if job.model == "c.onnx" and (job.memory or 0) < 16 * GIB:
            return tell(ScanFailure(job.model, "too little memory"), short=True)
        return find_clean(job)

    engine = FakeEngine(want_more)
    assert all(isinstance(one, ScanReport) for one in send(engine).values())
    assert [demand.memory // GIB for _, demand in engine.jobs] == [4, 4, 4, 4, 32]
    assert {demand.cores for _, demand in engine.jobs} == {1}
    assert engine.jobs[-1][0].memory == 32 * GIB


@pytest.mark.parametrize(("options", "jobs"), [({}, 2), ({"memory": GIB}, 1), ({"device": "cuda"}, 2)])
def test_a_scan_that_never_has_enough_memory_ends(options: dict[str, Any], jobs: int) -> None:
    def want_more(job: Job) -> bytes:
        assert len(engine.jobs) < 5
        return tell(ScanFailure(job.model, "too little memory"), short=True)

    card = Machine(cores=2, memory=8 * GIB, gpus=1.0)
    engine = FakeEngine(want_more, machines=[card, Machine(cores=4, memory=32 * GIB)])
    assert isinstance(send(engine, names="a", **options)["a"], ScanFailure)
    assert len(engine.jobs) == jobs


def test_memory_that_is_named_is_what_a_scan_gets() -> None:
    engine = FakeEngine(find_clean)
    send(engine, memory=3 * GIB)
    assert {(demand.memory, job.memory, job.options["memory"]) for job, demand in engine.jobs} == {
        (3 * GIB, None, 3 * GIB)
    }


def test_no_more_run_than_asked_for_and_then_each_has_more_cores() -> None:
    engine = FakeEngine(find_clean)
    send(engine, jobs=2)
    assert engine.most == 2
    assert {demand.cores for _, demand in engine.jobs} == {3}


def test_small_scans_share_a_gpu_and_none_is_promised_where_there_is_none() -> None:
    card = Machine(cores=2, memory=8 * GIB, gpus=1.0)
    engine = FakeEngine(find_clean, machines=[card])
    send(engine, device="cuda")
    assert {demand.gpus for _, demand in engine.jobs} == {0.125}
    with pytest.raises(UsageError, match="no machine of the cluster has a GPU"):
        send(FakeEngine(find_clean), device="cuda")


def test_what_a_scan_takes_fits_one_machine() -> None:
    broad, large = Machine(cores=8, memory=8 * GIB, gpus=1.0), Machine(cores=2, memory=64 * GIB)
    engine = FakeEngine(find_clean, machines=[broad, large])
    send(engine, jobs=1, names="a", memory=20 * GIB)
    send(engine, jobs=1, names="a", memory=20 * GIB, device="cuda")
    demands = [demand for _, demand in engine.jobs]
    assert [(one.cores, one.memory // GIB) for one in demands] == [(2, 20), (8, 8)]
    assert large.has_room_for(demands[0])
    assert broad.has_room_for(demands[1])


def test_what_fits_no_machine_any_more_is_sent_again() -> None:
    small, large = Machine(cores=1, memory=4 * GIB), Machine(cores=1, memory=32 * GIB)

    class Losing(FakeEngine):
        def await_any(self, running: Sequence[int], seconds: float) -> Sequence[int]:
            if self.machines == [small, large]:
                self.machines = [small]  # and nothing has ended yet
                return []
            return super().await_any(running, seconds)

    engine = Losing(find_clean, machines=[small, large])
    assert isinstance(send(engine, names="a", memory=20 * GIB)["a"], ScanReport)
    assert [demand.memory // GIB for _, demand in engine.jobs] == [20, 4]


def test_an_interrupt_ends_what_runs() -> None:
    def interrupt(_: Job) -> bytes:
        raise KeyboardInterrupt

    engine = FakeEngine(interrupt)
    with pytest.raises(KeyboardInterrupt):
        send(engine)
    assert engine.closed


def test_an_answer_that_is_lost_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    def lose_in_words(_: Job) -> bytes:
        raise LostError("its machine is gone")

    found = send(FakeEngine(lose_in_words), names="a")
    assert found["a"] == ScanFailure("a.onnx", "its machine is gone [worker-crashed]")
    assert capsys.readouterr().err == "error: a.onnx: its machine is gone [worker-crashed]\n"


def list_places(engine: FakeEngine, name: str) -> list[int]:
    return [job.place for job, _ in engine.jobs if job.model == f"{name}.onnx"]


def test_machines_that_are_left_over_help_by_way_of_a_shared_cache(tmp_path: Path) -> None:
    engine = FakeEngine(find_clean)
    found = send(engine, names="ab", cache=open_cache(tmp_path / "cache", shared=True))
    assert all(isinstance(one, ScanReport) for one in found.values())
    assert (list_places(engine, "a"), list_places(engine, "b")) == ([0, 1, 2], [0, 1, 2, 3])  # on six cores
    first = engine.jobs[0]
    assert all((replace(job, place=0), demand) == first for job, demand in engine.jobs if job.model == "a.onnx")
    assert engine.closed


@pytest.mark.parametrize(("shared", "jobs"), [(False, None), (True, 1)])
def test_nobody_helps_where_nothing_is_shared_or_no_more_are_asked_for(
    tmp_path: Path, shared: bool, jobs: int | None
) -> None:
    engine = FakeEngine(find_clean)
    send(engine, names="a", cache=open_cache(tmp_path / "cache", shared=shared), jobs=jobs)
    assert list_places(engine, "a") == [0]


class Backward(FakeEngine):
    """What began last ends first."""

    def await_any(self, running: Sequence[int], seconds: float) -> Sequence[int]:
        return [*super().await_any(running, seconds)] and running[-1:]


def test_a_helper_that_is_lost_costs_nothing_and_is_not_sent_for_ever(tmp_path: Path) -> None:
    engine = Backward(lambda job: lose(job) if job.place else find_clean(job))
    found = send(engine, names="a", cache=open_cache(tmp_path / "cache", shared=True))
    assert isinstance(found["a"], ScanReport)
    assert list_places(engine, "a") == [0, 1, 2, 3]


def test_no_more_helpers_are_sent_where_one_does_not_see_the_cache(tmp_path: Path) -> None:
    def stray(job: Job) -> bytes:
        return tell(ScanFailure(job.model, "interrupted"), stray=True) if job.place else find_clean(job)

    engine = Backward(stray, machines=[Machine(cores=2, memory=8 * GIB)])
    found = send(engine, names="a", cache=open_cache(tmp_path / "cache", shared=True))
    assert isinstance(found["a"], ScanReport)
    assert list_places(engine, "a") == [0, 1]
