"""A cluster of two machines, one of which is lost on the way: the report is that of a run on one machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import write_models
from onnxaudit.report.json import canonical, from_json
from tests.unit.pipeline.conftest import write_samples

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODELS, BAD = 8, 2


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 by default: on a busy machine they would never end
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))))
    made = pytest.importorskip("ray.cluster_utils", reason="ray is not installed").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    yield made
    made.shutdown()


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


def test_a_lost_machine_changes_nothing(cluster: Any, tmp_path: Path) -> None:
    write_models(tmp_path, MODELS, BAD)
    write_samples(tmp_path)
    alone = begin(tmp_path, "alone.json", "--jobs", "2", "--no-cache")
    alone.communicate(timeout=1200)
    machines = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cache = ("--cache-dir", str(tmp_path / "cache"))
    with begin(tmp_path, "spread.json", "--engine", "ray", "--address", cluster.address, *cache) as spread:
        assert spread.stderr is not None
        told = []
        for line in spread.stderr:
            told.append(line)
            if "inconclusive" in line or "backdoored" in line:
                break
        time.sleep(1.0)
        cluster.remove_node(machines[0], allow_graceful=False)
        told += spread.stderr.readlines()
    assert spread.returncode == alone.returncode, "".join(told)
    expected, found = (from_json((tmp_path / name).read_bytes()) for name in ("alone.json", "spread.json"))
    assert canonical(found) == canonical(expected)
    names = ", ".join(f"models/bad-{number:03d}.onnx" for number in range(BAD))
    assert f"{BAD} could not be scanned: {names}" in told[-1]
    assert not [one for one in told if "Traceback" in one]


def test_a_repeated_run_is_the_same_and_files_of_the_run_are_gone(cluster: Any, tmp_path: Path) -> None:
    write_models(tmp_path, 2, 1)
    write_samples(tmp_path)
    cluster.add_node(num_cpus=1)
    options = ("--engine", "ray", "--address", cluster.address, "--cache-dir", str(tmp_path / "cache"))
    for name in ("first.json", "again.json"):
        begin(tmp_path, name, *options).communicate(timeout=1200)
    first, again = ((tmp_path / name).read_bytes() for name in ("first.json", "again.json"))
    assert canonical(from_json(again)) == canonical(from_json(first))
    assert b"kept from an earlier scan" in again
    assert b"kept from an earlier scan" not in first
