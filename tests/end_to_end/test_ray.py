"""A cluster of two or three machines, one of which is lost on the way: the report is that of a run on one machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import write_models
from onnxaudit.report.json import canonical, from_json
from tools.testbed.planted import write_samples
from tools.testbed.ray_cluster import add_machine, open_cluster

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODELS, BAD = 8, 2


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


@pytest.mark.parametrize("count", [2, 3])
def test_a_lost_machine_changes_nothing(cluster: Any, tmp_path: Path, count: int) -> None:
    write_models(tmp_path, MODELS, BAD)
    write_samples(tmp_path)
    alone = begin(tmp_path, "alone.json", "--jobs", "2", "--no-cache")
    alone.communicate(timeout=1200)
    machines = [add_machine(cluster) for _ in range(count)]
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
    add_machine(cluster)
    options = ("--engine", "ray", "--address", cluster.address, "--cache-dir", str(tmp_path / "cache"))
    for name in ("first.json", "again.json"):
        begin(tmp_path, name, *options).communicate(timeout=1200)
    first, again = ((tmp_path / name).read_bytes() for name in ("first.json", "again.json"))
    assert canonical(from_json(again)) == canonical(from_json(first))
    assert b"kept from an earlier scan" in again
    assert b"kept from an earlier scan" not in first
