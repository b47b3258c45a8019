"""A helper works only where the scan that counts can see what it finishes."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from onnxaudit.cache.folder import Cache, open_cache
from onnxaudit.cli.cluster import rendezvous
from onnxaudit.cli.cluster.job import Job, read_answer, write
from onnxaudit.cli.cluster.rendezvous import StrayError, meet
from onnxaudit.cli.cluster.station import do
from onnxaudit.cli.recall import Recall
from onnxaudit.cli.shared_cache import open_shared_cache
from tests.unit.cli.conftest import FakePipeline

from .test_station import NONE, make_job

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
SCOPE = "a" * 64


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "PATIENCE", 0.0)


@pytest.fixture(params=["folder", "store"])
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Cache, Cache, Cache]]:
    """Two machines that see the same cache, and one that does not."""
    if request.param == "folder":
        yield open_cache(tmp_path / "cache"), open_cache(tmp_path / "cache"), open_cache(tmp_path / "other")
        return
    pytest.importorskip("fsspec", reason="fsspec comes with PyTorch")
    urls = [f"file://{tmp_path}/{name}" for name in ("cache", "cache", "other")]
    one, two, other = (
        open_shared_cache(tmp_path / str(number), url, apart=False, complain=pytest.fail)
        for number, url in enumerate(urls)
    )
    yield one, two, other


def look(cache: Cache) -> Recall:
    return Recall(scope=cache.open_scope(SCOPE), cache=cache)


def finds(seen: Recall, job: Job) -> bool:
    try:
        with meet(seen, job):
            return True
    except StrayError:
        return False


def test_a_helper_finds_the_scan_that_counts_as_long_as_it_runs(machines: tuple[Cache, Cache, Cache]) -> None:
    one, two, other = machines
    helper = make_job(place=1)
    assert not finds(look(two), helper)
    with meet(look(one), make_job()):
        assert finds(look(two), helper)
        assert not finds(look(other), helper)
        assert not finds(look(two), make_job(place=1, run="bb"))
        assert not finds(look(two), make_job(place=1, model="another.onnx"))
    assert one.measure().units == 0
    assert not finds(look(one), helper)


def test_a_helper_waits_for_the_scan_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, looks, stack = open_cache(tmp_path / "cache"), list[float](), ExitStack()
    monkeypatch.setattr(rendezvous, "PATIENCE", 60.0)

    def begin(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            stack.enter_context(meet(look(cache), make_job()))

    monkeypatch.setattr(time, "sleep", begin)
    with stack:
        assert finds(look(cache), make_job(place=1))
    assert len(looks) == 2


def test_without_a_cache_nobody_helps() -> None:
    with meet(Recall(), make_job()):
        assert not finds(Recall(), make_job(place=1))


def test_a_helper_that_strays_scans_nothing_and_says_so(pipeline: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"model")
    place = str(tmp_path / "cache")
    answer = read_answer(write(do(make_job(place=1, cache=place, cache_limit=2**20), [tmp_path], NONE)))
    assert (answer.stray, pipeline.calls) == (True, [])
    assert not read_answer(write(do(make_job(cache=place, cache_limit=2**20), [tmp_path], NONE))).stray
    assert len(pipeline.calls) == 1
