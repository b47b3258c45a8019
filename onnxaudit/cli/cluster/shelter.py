"""What jobs on one machine share: a private folder of the files that arrived, and the cores, one job each."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from onnxaudit.errors import WorkerError

PRIVATE = 0o700
LOCK = ".lock"


@contextlib.contextmanager
def open_shelf(run: str, root: Path) -> Iterator[Path]:
    """A run's folder on this machine, for this user alone; whichever job uses it last removes it.

    Folders of runs whose jobs were all killed are removed on the way.

    Args:
        run: hexadecimal digits.
        root: a folder for temporary files.

    Raises:
        WorkerError: the folder is somebody else's.
        OSError: it cannot be made.
    """
    home = find_home(root)
    shelf, lock = home / run, home / f"{run}{LOCK}"
    for other in home.glob(f"*{LOCK}"):
        _remove_unused(other)
    try:
        with _locked(lock, alone=False):
            _make_private(shelf)
            yield shelf
    finally:
        _remove_unused(lock)


@contextlib.contextmanager
def take_cores(home: Path, count: int) -> Iterator[tuple[int, ...]]:
    """Cores of this machine that no other job has, for as long as the block lasts; none where too few are left.

    A scan whose threads wait for those of another takes many times as long.
    """
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with contextlib.ExitStack() as stack:
        taken = list[int]()
        for core in available:
            if len(taken) < count:
                with contextlib.suppress(OSError):
                    stack.enter_context(_locked(home / f"core-{core}", alone=True))
                    taken.append(core)
        yield tuple(taken) if len(taken) == count else ()


def find_home(root: Path) -> Path:
    """The folder of this user in one for temporary files.

    Raises:
        WorkerError: it is somebody else's.
        OSError: it cannot be made.
    """
    home = root / f"onnxaudit-{os.getuid()}"
    _make_private(home)
    return home


def _make_private(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=PRIVATE)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise WorkerError(f"{folder} on a machine of the cluster is not this user's alone; remove it")


@contextlib.contextmanager
def _locked(lock: Path, *, alone: bool) -> Iterator[IO[str]]:
    """A lock is kept with others, whom it waits for; or alone, without any waiting. Whoever has it alone may remove it.

    Raises:
        OSError: somebody else has it.
    """
    import fcntl  # not on every system that runs the rest of the command line

    while True:
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            if _is_at(lock, file):  # else it was removed meanwhile, and others lock another file of that name
                yield file
                return


def _is_at(lock: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _remove_unused(lock: Path) -> None:
    """Remove a lock, and the folder beside it, unless a job uses them."""
    with contextlib.suppress(OSError), _locked(lock, alone=True):
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink()
