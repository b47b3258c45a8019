"""The folder in which results are kept: private, limited, and never a reason for a failure."""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.cache.entry import MOST_IN_ENTRY, seal, unseal
from onnxaudit.errors import OutputError
from onnxaudit.files import write_atomically
from onnxaudit.regular_files import read_regular

LIMIT = 2**30  # bytes
ROOM = 0.9  # of the limit is left full by an eviction, so that not every entry needs one
SHARE = 4
LAYOUT = "v1"
REMOVED = ".removed-"
REPORTS, UNITS = "reports", "units"
PRIVATE = 0o700


@dataclass(frozen=True, kw_only=True)
class Stats:
    """What a cache holds.

    Attributes:
        reports: whole reports.
        units: finished parts of scans.
        bytes: of all files.
    """

    reports: int
    units: int
    bytes: int


class Cache:
    """Entries by their keys; what cannot be read counts as missing, and what cannot be written is not kept."""

    def __init__(self, root: Path, limit: int = LIMIT, *, shared: bool = False) -> None:
        """For `open_cache`, which looks at the folder first; `shared`: whether other machines of a run may use it."""
        self.root, self.limit, self.shared = root, limit, shared
        self._until_look = 0  # bytes that may be kept before the folder is looked through for the limit

    def find(self, key: str) -> bytes | None:
        """A whole report's bytes, as untrusted as any file's."""
        return find_in(self.root / LAYOUT / REPORTS, key)

    def keep(self, key: str, body: bytes) -> None:
        """Keep a whole report."""
        self._keep(self.root / LAYOUT / REPORTS, key, body)

    @property
    def place(self) -> str:
        """What names it for people, and for the other machines of a run."""
        return str(self.root)

    def open_scope(self, scope: str) -> Path:
        """The folder of the finished parts of one model's scans; a worker process reads this one and no other.

        Raises:
            OSError: it cannot be made.
        """
        folder = self.root / LAYOUT / UNITS / scope
        _make_folders(self.root, folder)
        return folder

    def begin(self) -> None:
        """Have the processes begun that it needs, while this one is without threads that a fork would tear."""

    def fill(self, scope: Path) -> None:
        """Have all finished parts in their folder that there are, before a worker looks for them."""

    def keep_unit(self, scope: Path, key: str, body: bytes) -> None:
        """Keep a finished part in the folder of its model's."""
        self._keep(scope, key, body)

    def find_unit(self, scope: Path, key: str) -> bytes | None:
        """One finished part, as untrusted as any file."""
        return find_in(scope, key)

    def drop_unit(self, scope: Path, key: str) -> None:
        """Remove what nobody needs any more."""
        with contextlib.suppress(OSError):
            (scope / key).unlink()

    def close(self) -> None:
        """Leave it."""

    def measure(self) -> Stats:
        """What there is."""
        files = list(self._list())
        return Stats(
            reports=sum(one.parent.name == REPORTS for one, _ in files),
            units=sum(one.parent.name != REPORTS for one, _ in files),
            bytes=sum(found.st_size for _, found in files),
        )

    def trim(self) -> None:
        """Keep to the limit: what was not used for the longest time goes first.

        A folder of many models takes long to look through: it is left alone until this process has kept a part of
        what there was room for. The part is a quarter, since others may keep something too.
        """
        if self._until_look > 0:
            return
        files = sorted(self._list(), key=lambda one: one[1].st_mtime)
        total = sum(found.st_size for _, found in files)
        most = total if total <= self.limit else int(ROOM * self.limit)
        for file, found in files:
            if total <= most:
                break
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)  # somebody else may trim too
                total -= found.st_size
            with contextlib.suppress(OSError):  # a scope with other entries stays
                file.parent.rmdir() if file.parent.name != REPORTS else None
        self._until_look = (self.limit - total) // SHARE

    def clear(self) -> None:
        """Remove all that is kept; scans that run meanwhile begin to fill it again.

        Raises:
            OutputError: something cannot be removed.
        """
        for left in self.root.glob(f"{REMOVED}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        doomed = self.root / f"{REMOVED}{secrets.token_hex(8)}"
        try:
            with contextlib.suppress(FileNotFoundError):  # nothing is kept, or somebody else removes it
                (self.root / LAYOUT).rename(doomed)
                shutil.rmtree(doomed)
        except OSError as error:
            raise OutputError(f"{self.root} cannot be cleared: {error.strerror or error}") from error

    def _keep(self, folder: Path, key: str, body: bytes) -> None:
        with contextlib.suppress(OSError):
            _make_folders(self.root, folder)  # it may have been cleared meanwhile
        keep_in(folder, key, body)
        self._until_look -= len(body)

    def _list(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self.root / LAYOUT):
            for name in names:
                with contextlib.suppress(OSError):
                    yield Path(folder, name), Path(folder, name).lstat()


def open_cache(root: Path, limit: int = LIMIT, *, shared: bool = False) -> Cache:
    """The cache in a folder, which is made where it is missing; the last two arguments as for `Cache`.

    Raises:
        OutputError: it cannot be made or written, or others may write to it.
    """
    root = root.absolute()  # workers have another working folder
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            root.mkdir(mode=PRIVATE)
        fault = _find_fault(root)
        if not fault:
            _make_folders(root, root / LAYOUT / REPORTS)
            fault = "" if os.access(root, os.W_OK | os.X_OK) else "it cannot be written"
    except OSError as error:
        fault = error.strerror or str(error)
    if fault:
        raise OutputError(f"{root} cannot hold a cache: {fault}")
    return Cache(root, limit, shared=shared)


def find_in(folder: Path, key: str) -> bytes | None:
    """What is kept under a key in a folder; a damaged entry is dropped."""
    file = folder / key
    try:
        if stat.S_ISLNK(file.lstat().st_mode):
            return None
        content = read_regular(file, MOST_IN_ENTRY)
    except OSError:
        return None
    body = unseal(content, key)
    with contextlib.suppress(OSError):  # a worker may only read
        if body is None:
            file.unlink()
        else:
            os.utime(file)
    return body


def keep_in(folder: Path, key: str, body: bytes) -> None:
    """Keep something under a key; where that cannot be done it will be computed again."""
    content = seal(key, body)
    if len(content) > MOST_IN_ENTRY:
        return
    with contextlib.suppress(OutputError, OSError):
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        write_atomically(folder / key, content)


def _make_folders(root: Path, folder: Path) -> None:
    for one in reversed([folder, *folder.parents]):
        if one.is_relative_to(root) and one != root:
            one.mkdir(mode=PRIVATE, exist_ok=True)


def _find_fault(root: Path) -> str:
    """What makes a folder one that others may write to, or ""."""
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder of its own (a link, or a file)"
    if os.name != "posix":
        return ""
    if found.st_uid != os.getuid():
        return "it belongs to somebody else"
    if found.st_mode & 0o077:
        return "others may enter it; take their rights away (chmod 700)"
    for parent in root.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"everyone may write to {parent}"
    return ""
