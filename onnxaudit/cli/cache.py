"""The user's cache: where it is, whether there is one, and the commands that tell and clear it."""

import os
from pathlib import Path

from onnxaudit.cache.folder import LIMIT, Cache, open_cache
from onnxaudit.cli.enclosure import is_inside
from onnxaudit.cli.exits import CLEAN, Settings, report_notice
from onnxaudit.cli.options import CachePlace, Caching
from onnxaudit.errors import OutputError, UsageError
from onnxaudit.gate.layers import CACHE

OFF = "off"
MIB = 2**20


def open_user_cache(caching: Caching) -> Cache | None:
    """The cache of this run; None where there is none.

    Raises:
        UsageError: options contradict each other, or the folder that was named cannot be used.
    """
    if caching.no_cache:
        if caching.cache_dir is not None:
            raise UsageError("--no-cache and --cache-dir contradict each other; leave one out")
        return None
    limit = caching.cache_limit or LIMIT
    if caching.cache_dir is not None:
        return _open_named(caching.cache_dir, limit)
    place = find_place()
    if place is None or is_inside():
        return None
    try:
        return open_cache(place, limit)
    except OutputError as error:
        report_notice(f"nothing is kept of this run: {error}")
        return None


def find_place() -> Path | None:
    """The folder of the cache where none is named; None where it is switched off, or nobody knows one."""
    asked = os.environ.get(CACHE, "")
    if asked == OFF:
        return None
    if asked:
        return Path(asked)
    for folder in (os.environ.get("XDG_CACHE_HOME", ""), _find_home()):
        if folder and Path(folder).is_absolute():
            return Path(folder) / "onnxaudit"
    report_notice(f"nothing is kept of this run: HOME names no folder; --cache-dir or {CACHE} can name one")
    return None


def run_stats(place: CachePlace, settings: Settings) -> int:
    """Tell where the cache is and what it holds."""
    cache = _find_cache(place)
    if cache is None:
        settings.stdout.write("there is no cache\n")
        return CLEAN
    found = cache.measure()
    settings.stdout.write(
        f"{cache.root}\n{_count(found.reports, 'report')}, {_count(found.units, 'finished part')} of scans, "
    )
    settings.stdout.write(f"{found.bytes / MIB:.1f} MiB\n")
    return CLEAN


def run_clear(place: CachePlace, settings: Settings) -> int:
    """Remove all that is kept."""
    cache = _find_cache(place)
    if cache is not None:
        cache.clear()
    settings.stdout.write("there is no cache\n" if cache is None else f"{cache.root} is empty\n")
    return CLEAN


def _find_cache(place: CachePlace) -> Cache | None:
    """The cache, where there is one; none is made."""
    root = place.cache_dir or find_place()
    return open_cache(root) if root is not None and root.exists() else None


def _open_named(root: Path, limit: int) -> Cache:
    try:
        return open_cache(root, limit)
    except OutputError as error:
        raise UsageError(str(error)) from error


def _find_home() -> str:
    home = os.environ.get("HOME", "")
    return str(Path(home) / ".cache") if home else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
