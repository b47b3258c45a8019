"""Writing files so that a reader never sees half of one.

Drafts are locked for as long as their process lives. One without a lock was left by a process that was killed, and is
removed by the next run that writes into its folder.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from onnxaudit.errors import OutputError
from onnxaudit.regular_files import follow_links

DRAFT = ".onnxaudit-"  # begins the names of drafts, and of folders of drafts
SAVED_MODEL_FILE = "saved_model.pb"  # of TensorFlow; without its magic it reads as ONNX without a graph


def check_writable(path: Path) -> None:
    """Find out before long work whether `path` can be written afterwards; leaves nothing behind.

    Raises:
        OutputError: it is a folder, its folder does not exist, or files cannot be made there.
    """
    if path in _stand_ins:
        return
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: {path.parent} is not a folder; create it first")
    _try_folder(path.parent, path)


def check_folder_writable(path: Path) -> None:
    """The same for a folder that need not exist yet.

    Raises:
        OutputError: files cannot be made there, or it cannot be created.
    """
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise OutputError(f"{path} cannot be a folder: {existing} is a file")
    _try_folder(existing, path)


def write_atomically(path: Path, content: bytes, check: Callable[[Path], None] | None = None) -> None:
    """Write beside `path`, then rename: either the whole content gets the name, or nothing changes.

    A symbolic link keeps pointing where it does and its target is replaced. What is no regular file (a
    pipe, a device) cannot be replaced by renaming and is written to.

    Args:
        path: the name that the content gets.
        content: what to write.
        check: looks at the complete draft before it gets its name; when it raises, nothing changes.

    Raises:
        OutputError: no permission, no space, or `path` is a folder.
    """
    try:
        if path in _stand_ins:
            _replace(_stand_ins[path], content, check)
        elif path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
        else:
            _replace(follow_links(path), content, check)
    except OSError as error:
        raise _output_error(path, error) from error


def _try_folder(folder: Path, wanted: Path) -> None:
    try:
        remove_abandoned(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _output_error(wanted, error) from error


_drafts: set[Path] = set()  # of this process, not yet renamed; files, and folders of them
_stand_ins: dict[Path, Path] = {}


def stand_in(path: Path, draft: Path) -> None:
    """Let this process write `draft` wherever it is told to write `path`: it may not write there itself."""
    _stand_ins[path] = draft


def put_in_place(draft: Path, path: Path) -> None:
    """Give a complete draft, on the file system of `path`, that name; as `write_atomically` does.

    Raises:
        OutputError: no permission, no space, or `path` is a folder.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with draft.open("rb") as content, path.open("wb") as file:
                shutil.copyfileobj(content, file)
        else:
            _rename(draft, path.resolve())
    except OSError as error:
        raise _output_error(path, error) from error


@contextlib.contextmanager
def open_folder(parent: Path) -> Iterator[Path]:
    """A new folder for drafts in `parent`, which others may not enter and which is gone after the block.

    Raises:
        OSError: none can be made.
    """
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=DRAFT, dir=parent))
    with _held(folder):
        yield folder


@contextlib.contextmanager
def _held(draft: Path) -> Iterator[None]:
    """Keep a draft that was just made from being taken for an abandoned one; remove it unless it was renamed."""
    _drafts.add(draft)
    handle = os.open(draft, os.O_RDONLY) if os.name == "posix" else None
    try:
        if handle is not None:
            _lock(handle)
        yield
    finally:
        _remove(draft)
        _drafts.discard(draft)
        if handle is not None:
            os.close(handle)


def remove_drafts() -> None:
    """Remove the drafts that are being written; for a process that has to be left at once."""
    for draft in tuple(_drafts):
        _remove(draft)


def remove_abandoned(folder: Path) -> None:
    """Remove the drafts that processes of this user left in `folder` when they were killed."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        for found in os.scandir(folder):
            if found.name.startswith(DRAFT) and found.stat(follow_symlinks=False).st_uid == os.getuid():
                _remove_unlocked(Path(found.path))


def _remove_unlocked(draft: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if _lock(handle):
                _remove(draft)
        finally:
            os.close(handle)


def _remove(draft: Path) -> None:
    if draft.is_dir() and not draft.is_symlink():
        shutil.rmtree(draft, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        draft.unlink()


def _lock(handle: int) -> bool:
    """Lock an open file or folder for this process; False where another one has."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _replace(path: Path, content: bytes, check: Callable[[Path], None] | None) -> None:
    draft = path.with_name(f"{DRAFT}{secrets.token_hex(8)}")
    draft.touch(0o666, exist_ok=False)
    with _held(draft):
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(draft)
        _rename(draft, path)


def _rename(draft: Path, path: Path) -> None:
    if path.exists():
        draft.chmod(path.stat().st_mode & 0o777)
    draft.replace(path)


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}")
