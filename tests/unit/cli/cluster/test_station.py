"""A scan on another machine: the answer is what this machine would say."""

import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onnxaudit.cache.folder import Cache, open_cache
from onnxaudit.cli.cluster import node, station
from onnxaudit.cli.cluster.job import Job, Order, list_made, read_answer, read_job, read_order, write
from onnxaudit.cli.cluster.parcel import pack_model
from onnxaudit.cli.cluster.station import Caches, do
from onnxaudit.errors import ModelError, WorkerError
from onnxaudit.isolation.frame import receive, send
from onnxaudit.records import GivenPreprocessing
from tests.unit.cli.conftest import FakePipeline

NONE = Caches(ExitStack())


def make_job(**other: Any) -> Job:
    job = Job(
        run="aa",
        model="vendor/m.onnx",
        file="m.onnx",
        digests=("0",),
        sources={},
        options={"seed": 3},
        preprocessing=GivenPreprocessing(range=(0.0, 1.0)),
        input_size=(4, 6),
        detectors=(),
        domains=None,
        time_budget=None,
        memory_limit=None,
        memory=2**30,
        cores=1,
        cache=None,
        cache_limit=0,
        apart=False,
        debug=False,
        made=list_made(),
    )
    return replace(job, **other)


def test_a_job_arrives_as_it_was_sent() -> None:
    job = make_job()
    assert read_job(write(job)) == job
    with pytest.raises(WorkerError, match="cannot be read"):
        read_job(b"{}")


def test_options_reach_the_scan_and_files_have_the_users_names(pipeline: FakePipeline, tmp_path: Path) -> None:
    model, data = tmp_path / "a" / "m.onnx", tmp_path / "b" / "clean"
    model.parent.mkdir()
    model.write_bytes(b"model")
    data.mkdir(parents=True)
    job = make_job(sources={"data": "images/clean"}, digests=("0", "1"))
    made, usual = dict[str, Any](), pipeline.answers["scan"]

    def scan(path: Path, **options: Any) -> Any:
        made.update(options, model=path)
        samples = replace(usual.samples, source=options["data"])
        return replace(usual, model=replace(usual.model, path=str(path)), samples=samples)

    pipeline.answers["scan"] = scan
    answer = read_answer(write(do(job, [model.parent, data.parent], NONE)))
    report = json.loads(answer.document)["reports"][0]
    assert (report["model"]["path"], report["samples"]["source"]) == ("vendor/m.onnx", "images/clean")
    assert str(tmp_path) not in answer.document
    assert (made["model"], made["data"], made["seed"]) == (model, str(data), 3)
    assert (made["preprocessing"], made["input_size"]) == (job.preprocessing, (4, 6))
    assert made["memory"] == 2**30


def test_what_is_wrong_with_a_model_is_an_answer(pipeline: FakePipeline, tmp_path: Path) -> None:
    pipeline.answers["scan"] = ModelError(f"{tmp_path}/m.onnx: no model")
    answer = do(make_job(), [tmp_path], NONE)
    assert json.loads(answer.document)["failures"] == [{"path": "vendor/m.onnx", "error": "vendor/m.onnx: no model"}]


def test_the_folder_of_a_machine_keeps_to_the_limit(tmp_path: Path) -> None:
    folder, trimmed = tmp_path / "cache", list[Path]()
    open_cache(folder).keep("a" * 64, bytes(1000))
    caches = Caches(ExitStack())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cache, "trim", lambda cache: trimmed.append(cache.root))
        opened = [caches.open(make_job(cache=str(folder), cache_limit=500)) for _ in range(2)]
    assert trimmed == [folder]
    assert opened[0] is opened[1]
    assert opened[0] is not None
    assert opened[0].limit == 500


def test_a_machine_with_other_versions_answers_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"has torch .*, not 0.1"):
        do(make_job(made={**list_made(), "torch": "0.1"}), [tmp_path], NONE)


def test_its_last_words_are_why_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = io.BytesIO()
    send(orders, write(Order(job=make_job(made={**list_made(), "torch": "0.1"}), cores=(), folders=(str(tmp_path),))))
    orders.seek(0)
    monkeypatch.setattr(station, "die_with", lambda _: None)
    monkeypatch.setattr(station, "withhold", lambda _: None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(orders))
    with (tmp_path / "answers").open("w+") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(SystemExit, match=r"has torch .*, not 0\.1"):
            station.main(["1"])


def test_one_station_answers_one_job_after_the_other(
    pipeline: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.answers["scan"] = ModelError("no model")
    orders, withheld = io.BytesIO(), list[int]()
    for name in ("a.onnx", "b.onnx"):
        send(orders, write(Order(job=make_job(model=name), cores=(), folders=(str(tmp_path),))))
    orders.seek(0)
    monkeypatch.setattr(station, "die_with", lambda _: None)
    monkeypatch.setattr(station, "withhold", withheld.append)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(orders))
    with (tmp_path / "answers").open("w+") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert station.main(["1"]) == 0
    with (tmp_path / "answers").open("rb") as answers:
        failures = [json.loads(read_answer(receive(answers) or b"").document)["failures"][0] for _ in range(2)]
        assert receive(answers) is None
    assert [one["path"] for one in failures] == ["a.onnx", "b.onnx"]
    assert len(withheld) == 1  # no worker may write an answer itself


def test_a_node_scans_in_a_process_that_knows_nothing_of_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    parcel, seen = pack_model(tmp_path / "m.onnx"), dict[str, Any]()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def find(environment: Mapping[str, str]) -> Any:
        seen["names"] = list(environment)
        return SimpleNamespace(ask=ask)

    def ask(order: bytes) -> bytes:
        read = read_order(order)
        seen.update(job=read.job, model=Path(read.folders[0], read.job.file).read_bytes())
        return b"answer"

    monkeypatch.setattr(node, "find_outpost", find)
    job = make_job(digests=(parcel.digest,))
    assert node.do(write(job), memoryview(parcel.content)) == b"answer"
    assert (seen["model"], seen["job"]) == (b"model", job)
    assert not [name for name in seen["names"] if name.startswith("RAY_")]
    assert not [one for one in (tmp_path / f"onnxaudit-{os.getuid()}").iterdir() if one.is_dir()]
