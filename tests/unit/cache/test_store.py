"""Entries in a store appear whole, and are found, counted and removed; slowly in a server's bucket."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cache.folder import Stats
from onnxaudit.cache.store import Store, check_url, is_url
from onnxaudit.errors import MissingPackageError, UsageError
from onnxaudit.packages import is_installed
from tests.servers import serve_objects

fsspec: Any = pytest.importorskip("fsspec", reason="fsspec comes with PyTorch")
KEYS = tuple(digit * 64 for digit in "ab")


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield f"file://{tmp_path}/store" if request.param == "file" else "memory://store/cache"
    fsspec.filesystem("memory").store.clear()


def check(store: Store) -> None:
    report, unit = f"reports/{KEYS[0]}", f"units/{KEYS[0]}/{KEYS[1]}"
    assert (store.find(report), store.list(f"units/{KEYS[0]}"), store.measure().bytes) == (None, (), 0)
    store.keep(report, b"a report")
    store.keep(report, b"another")
    store.keep(unit, b"a unit")
    assert (store.find(report), store.find(unit)) == (b"another", b"a unit")
    assert store.list(f"units/{KEYS[0]}") == (KEYS[1],)
    assert store.measure() == Stats(reports=1, units=1, bytes=13)
    for _ in range(2):
        store.drop(unit)
    assert (store.find(unit), store.measure().units) == (None, 0)
    store.clear()
    store.clear()
    assert (store.find(report), store.measure().units) == (None, 0)


def test_what_is_kept_is_found_and_counted_until_it_is_removed(url: str) -> None:
    check(Store(url))


def test_a_file_that_is_written_in_part_has_no_entry_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"file://{tmp_path}")

    def write(path: str, content: bytes) -> None:
        Path(path).write_bytes(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._files, "pipe_file", write)
    with pytest.raises(OSError, match="No space"):
        store.keep(f"reports/{KEYS[0]}", b"a report")
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


@pytest.mark.parametrize(
    "word", ["http://host/cache", "s3://", "s3:///", "simplecache::s3://bucket/cache", "s3://a::memory://b"]
)
def test_what_is_no_store_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is no store"):
        check_url(word)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingPackageError, match="pip install s3fs"):
        check_url("s3://bucket/cache")


def test_a_folder_is_no_store() -> None:
    assert not any(map(is_url, ("cache", "/cache", "./a:/b", r"C:\cache", "s3:/bucket")))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_bucket_holds_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("s3fs", "moto"):
        if not is_installed(package):
            pytest.skip(f"{package} is not installed")
    with serve_objects(sys.executable, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        check_url("s3://bucket/cache")
        check(Store("s3://bucket/cache"))
