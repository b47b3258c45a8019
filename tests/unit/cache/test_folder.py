"""A cache is private and limited, and no reason for a failure."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onnxaudit.cache.folder import LAYOUT, REMOVED, REPORTS, UNITS, Cache, find_in, keep_in, open_cache
from onnxaudit.errors import OutputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
KEYS = tuple(digit * 64 for digit in "abcdef")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "cache")


def test_it_is_made_for_its_owner_alone(cache: Cache) -> None:
    scope = cache.open_scope(KEYS[0])
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in (cache.root, scope, scope.parent))


def test_what_is_kept_is_found_and_counted(cache: Cache) -> None:
    scope = cache.open_scope(KEYS[0])
    cache.keep(KEYS[1], b"a report")
    keep_in(scope, KEYS[2], b"a unit")
    assert (cache.find(KEYS[1]), find_in(scope, KEYS[2]), cache.find(KEYS[2])) == (b"a report", b"a unit", None)
    found = cache.measure()
    assert (found.reports, found.units) == (1, 1)
    assert found.bytes == sum(file.stat().st_size for file in cache.root.rglob("*") if file.is_file())


def test_a_damaged_entry_is_dropped(cache: Cache) -> None:
    cache.keep(KEYS[0], b"a report")
    file = cache.root / LAYOUT / REPORTS / KEYS[0]
    file.write_bytes(file.read_bytes()[:-1])
    assert cache.find(KEYS[0]) is None
    assert not file.exists()


def test_an_entry_that_is_a_link_or_a_pipe_counts_for_nothing(cache: Cache, tmp_path: Path) -> None:
    cache.keep(KEYS[0], b"a report")
    folder = cache.root / LAYOUT / REPORTS
    (folder / KEYS[0]).rename(tmp_path / "elsewhere")
    (folder / KEYS[0]).symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / KEYS[1])
    assert cache.find(KEYS[0]) is None
    assert cache.find(KEYS[1]) is None


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "cache", limit=5000)
    for age, key in enumerate(KEYS):
        cache.keep(key, bytes(1000))
        os.utime(cache.root / LAYOUT / REPORTS / key, (1000 + age, 1000 + age))
    assert cache.find(KEYS[0]) is not None  # used now
    cache.trim()
    assert [key for key in KEYS if cache.find(key) is None] == [*KEYS[1:4]]
    assert cache.measure().bytes <= 5000


def test_it_is_looked_through_again_once_it_may_have_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, looks = open_cache(tmp_path / "cache", limit=100_000), list[int]()
    usual = cache._list

    def look() -> Iterator[tuple[Path, os.stat_result]]:
        looks.append(1)
        return usual()

    monkeypatch.setattr(cache, "_list", look)
    for number in range(200):
        cache.keep(f"{number:064x}", bytes(1000))
        cache.trim()
        assert sum(found.st_size for _, found in usual()) <= 1.1 * cache.limit
    assert len(looks) < 100


def test_it_is_cleared(cache: Cache) -> None:
    cache.keep(KEYS[0], b"a report")
    cache.clear()
    assert cache.measure().bytes == 0
    cache.clear()


def test_what_is_kept_after_it_was_cleared_is_found(cache: Cache) -> None:
    scope = cache.open_scope(KEYS[0])
    cache.clear()
    cache.keep_unit(scope, KEYS[1], b"a unit")
    cache.keep(KEYS[2], b"a report")
    assert (cache.find_unit(scope, KEYS[1]), cache.find(KEYS[2])) == (b"a unit", b"a report")
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in (scope, scope.parent, scope.parent.parent))


def test_several_processes_clear_and_fill_it(cache: Cache) -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=clear_and_fill, args=(cache,)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0, 0]
    cache.clear()
    assert [path.name for path in cache.root.iterdir()] == []


def clear_and_fill(cache: Cache) -> None:
    for number in range(50):
        cache.keep_unit(cache.root / LAYOUT / UNITS / KEYS[0], KEYS[number % 5], b"a unit")
        cache.keep(KEYS[number % 5], b"a report")
        cache.clear()


def test_what_a_killed_process_did_not_remove_is_removed(cache: Cache) -> None:
    (cache.root / f"{REMOVED}0").mkdir()
    cache.clear()
    assert not list(cache.root.glob(f"{REMOVED}*"))


def test_what_another_process_evicted_is_not_evicted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = open_cache(tmp_path / "cache", limit=5000)
    for age, key in enumerate(KEYS):
        cache.keep(key, bytes(1000))
        os.utime(cache.root / LAYOUT / REPORTS / key, (1000 + age, 1000 + age))
    listed = list(cache._list())
    monkeypatch.setattr(cache, "_list", lambda: iter(listed))
    open_cache(tmp_path / "cache", limit=5000).trim()
    left = {key for key in KEYS if (cache.root / LAYOUT / REPORTS / key).exists()}
    cache.trim()
    assert {key for key in KEYS if (cache.root / LAYOUT / REPORTS / key).exists()} == left


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o755)
    open_folder.chmod(0o755)
    with pytest.raises(OutputError, match="chmod 700"):
        open_cache(open_folder)
    (tmp_path / "link").symlink_to(tmp_path / "private")
    (tmp_path / "private").mkdir(mode=0o700)
    with pytest.raises(OutputError, match="link"):
        open_cache(tmp_path / "link")
    (tmp_path / "everyones").mkdir()
    (tmp_path / "everyones").chmod(0o777)
    with pytest.raises(OutputError, match="everyone may write"):
        open_cache(tmp_path / "everyones" / "cache")


def test_what_cannot_be_written_is_not_kept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("onnxaudit.files._replace", refuse)
    cache.keep(KEYS[0], b"a report")
    assert cache.find(KEYS[0]) is None
