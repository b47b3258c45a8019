"""A store that several machines share: what one finished another finds; a store that fails costs no scan."""

import os
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cache.folder import LAYOUT, UNITS, find_in
from onnxaudit.cli.shared_cache import SharedCache, open_shared_cache
from onnxaudit.errors import OutputError

from .conftest import FakePipeline, Outcome
from .test_cache import make_report

fsspec: Any = pytest.importorskip("fsspec", reason="fsspec comes with PyTorch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
Run = Callable[..., Outcome]
KEYS = tuple(digit * 64 for digit in "abc")
URL = "memory://team/cache"


@pytest.fixture(autouse=True)
def store() -> Iterator[dict[str, Any]]:
    files = fsspec.filesystem("memory").store
    yield files
    files.clear()


def open_at(folder: Path, url: str = URL, *, told: list[str] | None = None, apart: bool = False) -> SharedCache:
    return open_shared_cache(folder, url, apart=apart, complain=([] if told is None else told).append)


def test_what_one_machine_keeps_another_finds(tmp_path: Path) -> None:
    one, other = open_at(tmp_path / "one"), open_at(tmp_path / "other")
    one.keep(KEYS[0], b"a report")
    one.keep_unit(one.open_scope(KEYS[1]), KEYS[2], b"a unit")
    assert other.find(KEYS[0]) == b"a report"
    scope = other.open_scope(KEYS[1])
    assert find_in(scope, KEYS[2]) is None
    other.fill(scope)
    assert find_in(scope, KEYS[2]) == b"a unit"
    assert (other.measure().reports, other.measure().units) == (1, 1)
    other.clear()
    assert open_at(tmp_path / "third").find(KEYS[0]) is None


def test_a_copy_answers_without_the_store(tmp_path: Path, store: dict[str, Any]) -> None:
    cache = open_at(tmp_path)
    cache.keep(KEYS[0], b"a report")
    store.clear()
    assert cache.find(KEYS[0]) == b"a report"


def test_what_is_not_what_its_name_says_counts_for_nothing(tmp_path: Path) -> None:
    one, files = open_at(tmp_path / "one"), fsspec.filesystem("memory")
    one.keep(KEYS[0], b"a report")
    whole = files.cat_file(f"/team/cache/{LAYOUT}/reports/{KEYS[0]}")
    files.pipe_file(f"/team/cache/{LAYOUT}/reports/{KEYS[0]}", whole[:-1])
    files.pipe_file(f"/team/cache/{LAYOUT}/reports/{KEYS[1]}", whole)
    for name in (KEYS[0], "..%2f", "short"):
        files.pipe_file(f"/team/cache/{LAYOUT}/{UNITS}/{KEYS[1]}/{name}", b"anything")
    other = open_at(tmp_path / "other")
    scope = other.open_scope(KEYS[1])
    other.fill(scope)
    assert (other.find(KEYS[0]), other.find(KEYS[1]), list(scope.iterdir())) == (None, None, [])


@pytest.mark.parametrize("apart", [False, True])
def test_a_store_that_fails_is_told_once_and_asked_no_more(tmp_path: Path, *, apart: bool) -> None:
    (tmp_path / "file").touch()
    told = list[str]()
    cache = open_at(tmp_path / "copy", f"file://{tmp_path}/file/in", told=told, apart=apart)
    try:
        for key in KEYS * 2:
            cache.keep(key, b"a report")
        assert cache.find(KEYS[0]) == b"a report"
        assert len(told) == 1
        assert f"the cache at file://{tmp_path}/file/in cannot be used" in told[0]
        with pytest.raises(OutputError, match="cannot be cleared"):
            cache.clear()
    finally:
        cache.close()


def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: object) -> None:
        os.kill(os.getpid(), 19)

    monkeypatch.setattr("onnxaudit.cli.shared_cache.PATIENCE", 0.01)
    monkeypatch.setattr("onnxaudit.cli.shared_cache.Store", hang)
    told = list[str]()
    cache = open_at(tmp_path, told=told, apart=True)
    assert cache.find(KEYS[0]) is None
    assert cache.find(KEYS[1]) is None
    assert ["no answer within" in one for one in told] == [True]
    cache.close()


def test_the_command_line_keeps_in_a_store(run: Run, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.onnx").write_bytes(b"model")
    assert make_report().model.sha256 == sha256(b"model").hexdigest()
    pipeline.answers["scan"] = make_report()
    scan = ("scan", "m.onnx", "--json", "r.json", "-q")
    assert (run(*scan, "--cache-dir", URL).code, len(pipeline.calls)) == (0, 1)
    monkeypatch.setenv("ONNXAUDIT_CACHE", URL)
    assert (run(*scan).code, len(pipeline.calls)) == (0, 1)
    assert "kept from an earlier scan" in Path("r.json").read_text()
    assert run("cache", "stats").out.startswith(f"{URL}\n1 report, 0 finished parts of scans, ")
    assert run("cache", "clear", "--cache-dir", URL).out == f"{URL} is empty\n"
    assert (run(*scan).code, len(pipeline.calls)) == (0, 2)


def test_a_scan_does_without_a_store_that_fails(run: Run, pipeline: FakePipeline) -> None:
    Path("m.onnx").write_bytes(b"model")
    pipeline.answers["scan"] = make_report()
    Path("file").touch()
    done = run("scan", "m.onnx", "--cache-dir", f"file://{Path.cwd()}/file/in")
    assert (done.code, done.err.count("cannot be used, so that more is computed")) == (0, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cache-dir", "http://host/x"), "is no store that can hold a cache"),
        (("--cache-dir", URL, "--sandbox", "bwrap"), "no network to memory://team/cache"),
    ],
)
def test_a_store_that_cannot_be_had_is_refused(run: Run, options: tuple[str, ...], words: str) -> None:
    Path("m.onnx").write_bytes(b"model")
    done = run("scan", "m.onnx", *options)
    assert (done.code, words in done.err) == (2, True)
