"""The user's cache: where it is, whether there is one, and the commands that tell and clear it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from onnxaudit.cache.folder import LIMIT, Cache, open_cache
from onnxaudit.cache.store import check_url
from onnxaudit.cli.enclosure import is_inside
from onnxaudit.cli.exits import CLEAN, Settings, report_notice
from onnxaudit.cli.options import CachePlace, Caching
from onnxaudit.cli.shared_cache import open_shared_cache
from onnxaudit.cli.values import read_place
from onnxaudit.errors import OutputError, UsageError
from onnxaudit.files import open_folder
from onnxaudit.gate.layers import CACHE

OFF = "off"
MIB = 2**20


@contextmanager
def open_user_cache(caching: Caching, settings: Settings) -> Iterator[Cache | None]:
    """The cache of this run, for as long as the block lasts; None where there is none.

    Raises:
        UsageError: options contradict each other, or the place that was named cannot be used.
        MissingPackageError: what talks to it is not installed.
    """
    if caching.no_cache and caching.cache_dir is not None:
        raise UsageError("--no-cache and --cache-dir contradict each other; leave one out")
    place = None if caching.no_cache else caching.cache_dir or find_place()
    limit = caching.cache_limit or LIMIT
    if place is None or (is_inside() and caching.cache_dir is None):
        yield None
    elif isinstance(place, str):
        with open_store(place, limit, settings) as cache:
            yield cache
    elif caching.cache_dir is not None:
        yield _open_named(place, limit)
    else:
        yield _open_usual(place, limit)


def find_place() -> Path | str | None:
    """The folder of the cache where none is named, or a store; None where it is switched off, or nobody knows one."""
    asked = os.environ.get(CACHE, "")
    if asked == OFF:
        return None
    if asked:
        return read_place(asked)
    for folder in (os.environ.get("XDG_CACHE_HOME", ""), _find_home()):
        if folder and Path(folder).is_absolute():
            return Path(folder) / "onnxaudit"
    report_notice(f"nothing is kept of this run: HOME names no folder; --cache-dir or {CACHE} can name one")
    return None


def run_stats(place: CachePlace, settings: Settings) -> int:
    """Tell where the cache is and what it holds."""
    with _find_cache(place, settings) as cache:
        if cache is None:
            settings.stdout.write("there is no cache\n")
            return CLEAN
        found = cache.measure()
        settings.stdout.write(
            f"{cache.place}\n{_count(found.reports, 'report')}, {_count(found.units, 'finished part')} of scans, "
        )
        settings.stdout.write(f"{found.bytes / MIB:.1f} MiB\n")
        return CLEAN


def run_clear(place: CachePlace, settings: Settings) -> int:
    """Remove all that is kept."""
    with _find_cache(place, settings) as cache:
        if cache is not None:
            cache.clear()
        settings.stdout.write("there is no cache\n" if cache is None else f"{cache.place} is empty\n")
        return CLEAN


@contextmanager
def _find_cache(place: CachePlace, settings: Settings) -> Iterator[Cache | None]:
    """The cache, where there is one; none is made."""
    root = place.cache_dir or find_place()
    if isinstance(root, str):
        with open_store(root, LIMIT, settings) as cache:
            yield cache
    else:
        yield open_cache(root) if root is not None and root.exists() else None


@contextmanager
def open_store(
    url: str, limit: int, settings: Settings, *, complain: Callable[[str], None] = report_notice
) -> Iterator[Cache]:
    """The cache in a store, with a copy here that is gone after the block.

    Args:
        url: of the store.
        limit: bytes of the copy.
        settings: of the command.
        complain: is told once, in words, that the store cannot be used.

    Raises:
        UsageError: it is none that can be used.
        MissingPackageError: what talks to it is not installed.
        OutputError: the copy cannot be made.
    """
    check_url(url)
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(open_folder(Path(tempfile.gettempdir())))
        except OSError as error:
            raise OutputError(f"no copy of {url} can be kept here: {error.strerror or error}") from error
        opened = open_shared_cache(copy, url, limit, apart=settings.apart, complain=complain)
        yield stack.enter_context(closing(opened))


def _open_usual(root: Path, limit: int) -> Cache | None:
    try:
        return open_cache(root, limit)
    except OutputError as error:
        report_notice(f"nothing is kept of this run: {error}")
        return None


def _open_named(root: Path, limit: int) -> Cache:
    try:
        return open_cache(root, limit, shared=True)
    except OutputError as error:
        raise UsageError(str(error)) from error


def _find_home() -> str:
    home = os.environ.get("HOME", "")
    return str(Path(home) / ".cache") if home else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
