"""A cluster of two or three machines, one of which is lost on the way: the report is that of a run on one machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import write_models
from onnxaudit.report.json import canonical, from_json
from tests.servers import serve_objects
from tools.testbed.planted import write_samples
from tools.testbed.ray_cluster import add_machine, open_cluster

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODELS, BAD = 8, 2
AGAIN = "kept from an earlier scan"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if find_spec("ray") is None:  # not imported here: it reads its settings then
        pytest.skip("ray is not installed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))))
    with open_cluster() as made:
        yield made


def begin(folder: Path, name: str, *options: str) -> "subprocess.Popen[str]":
    words = ("scan", "models", "--data", "clean.npz", "--effort", "quick", "--json", name, "--progress", "lines")
    return subprocess.Popen(
        [sys.executable, "-m", "onnxaudit", *words, *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def spread_and_lose(cluster: Any, machine: Any, folder: Path, cache: str) -> tuple[int, list[str]]:
    """The exit code of a run whose machine is lost once a model is done, and what it told."""
    options = ("--engine", "ray", "--address", cluster.address, "--cache-dir", cache)
    with begin(folder, "spread.json", *options) as spread:
        assert spread.stderr is not None
        told = []
        for line in spread.stderr:
            told.append(line)
            if "inconclusive" in line or "backdoored" in line:
                break
        time.sleep(1.0)
        cluster.remove_node(machine, allow_graceful=False)
        told += spread.stderr.readlines()
    return spread.returncode, told


def read(report: Path) -> str:
    return canonical(from_json(report.read_bytes()))


@pytest.mark.parametrize("count", [2, 3])
def test_a_lost_machine_changes_nothing(cluster: Any, tmp_path: Path, count: int) -> None:
    write_models(tmp_path, MODELS, BAD)
    write_samples(tmp_path)
    alone = begin(tmp_path, "alone.json", "--jobs", "2", "--no-cache")
    alone.communicate(timeout=1200)
    machines = [add_machine(cluster) for _ in range(count)]
    code, told = spread_and_lose(cluster, machines[0], tmp_path, str(tmp_path / "cache"))
    assert code == alone.returncode, "".join(told)
    assert read(tmp_path / "spread.json") == read(tmp_path / "alone.json")
    names = ", ".join(f"models/bad-{number:03d}.onnx" for number in range(BAD))
    assert f"{BAD} could not be scanned: {names}" in told[-1]
    assert not [one for one in told if "Traceback" in one]


def test_a_repeated_run_is_the_same_and_files_of_the_run_are_gone(cluster: Any, tmp_path: Path) -> None:
    write_models(tmp_path, 2, 1)
    write_samples(tmp_path)
    add_machine(cluster)
    options = ("--engine", "ray", "--address", cluster.address, "--cache-dir", str(tmp_path / "cache"))
    for name in ("first.json", "again.json"):
        begin(tmp_path, name, *options).communicate(timeout=1200)
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    assert read(again) == read(first)
    assert AGAIN in again.read_text()
    assert AGAIN not in first.read_text()


def test_machines_share_the_parts_of_one_model(cluster: Any, tmp_path: Path) -> None:
    write_models(tmp_path, 1, 0)
    write_samples(tmp_path)
    for _ in range(2):
        add_machine(cluster)
    begin(tmp_path, "alone.json", "--no-cache").communicate(timeout=1200)
    options = ("--engine", "ray", "--address", cluster.address, "--cache-dir", str(tmp_path / "cache"))
    begin(tmp_path, "spread.json", *options).communicate(timeout=1200)
    assert read(tmp_path / "spread.json") == read(tmp_path / "alone.json")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of which machines know that are added later; it keeps every version of an object."""
    for package in ("s3fs", "moto"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    fsspec: Any = import_module("fsspec")
    with serve_objects(sys.executable, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        files = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
        files.mkdir("bucket")
        files.call_s3("put_bucket_versioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        yield files


@pytest.mark.filterwarnings("default")
def test_machines_share_a_bucket(cluster: Any, bucket: Any, tmp_path: Path) -> None:
    write_models(tmp_path, 5, 1)
    write_samples(tmp_path)
    begin(tmp_path, "alone.json", "--no-cache").communicate(timeout=1200)
    machines = [add_machine(cluster) for _ in range(2)]
    _, told = spread_and_lose(cluster, machines[0], tmp_path, "s3://bucket/cache")
    assert read(tmp_path / "spread.json") == read(tmp_path / "alone.json"), "".join(told)
    versions = bucket.call_s3("list_object_versions", Bucket="bucket")["Versions"]
    units = {(one["Key"], one["ETag"]) for one in versions if "/units/" in one["Key"]}
    assert len(units) == len({key for key, _ in units}) > 0, "two machines found another bit for the same part"
    begin(tmp_path, "here.json", "--cache-dir", "s3://bucket/cache").communicate(timeout=1200)
    assert read(tmp_path / "here.json") == read(tmp_path / "alone.json")
    assert (tmp_path / "here.json").read_text().count(AGAIN) == 4
