"""Keys: SHA-256 of everything that may change a result."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import onnxaudit
from onnxaudit.regular_files import open_regular

HEX = 64  # digits of a key
MOST_FILES = 1_000_000  # of a folder of samples; of more no digest is taken


def is_key(name: str) -> bool:
    """Whether a name may be that of an entry."""
    return len(name) == HEX and set(name) <= set("0123456789abcdef")


def make_key(parts: Mapping[str, Any]) -> str:
    """A name of 64 hexadecimal digits for values of JSON, and for others by what `repr` tells of them."""
    return hashlib.sha256(
        json.dumps(parts, sort_keys=True, default=repr).encode("utf-8", "backslashreplace")
    ).hexdigest()


@cache
def digest_code() -> str:
    """SHA-256 of onnxaudit's own source: a checkout changes without its version."""
    folder, digest = Path(onnxaudit.__file__).parent, hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def digest_tree(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files and folders below a folder, behind links too.

    Raises:
        OSError: something cannot be read, is no regular file, or there are too many.
    """
    return _describe(path, _read_content)


def sign_tree(path: Path) -> str:
    """SHA-256 of when and how large each of the same files and folders was made: other bytes have another one.

    Raises:
        OSError: something cannot be found, or there are too many.
    """
    return _describe(path, _read_state)


def _describe(path: Path, tell: Callable[[Path], bytes]) -> str:
    digest = hashlib.sha256()
    for one in list_parts(path):
        name, told = os.fsencode(one.relative_to(path)), tell(one)
        digest.update(len(name).to_bytes(4) + name + len(told).to_bytes(4) + told)
    return digest.hexdigest()


def _read_content(one: Path) -> bytes:
    """Of a file the digest; of a folder where it lies, if that is elsewhere."""
    if one.is_dir():
        return os.fsencode(os.path.realpath(one)) if one.is_symlink() else b""
    with open_regular(one) as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _read_state(one: Path) -> bytes:
    found = one.stat()
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}".encode()


def list_parts(path: Path) -> Iterator[Path]:
    """A file; or all files and folders below a folder: an empty folder may be a class of which nothing is known.

    Raises:
        OSError: something cannot be looked at, or there are too many.
    """
    if not path.is_dir():
        yield path
        return
    count, seen = 0, set[tuple[int, int]]()
    for folder, folders, names in os.walk(path, followlinks=True, onerror=_raise):
        for name in sorted([*folders, *names]):
            count += 1
            if count > MOST_FILES:
                raise OSError(f"{path} holds more than {MOST_FILES} files")
            yield Path(folder, name)
        folders[:] = sorted(name for name in folders if _is_new(Path(folder, name), seen))


def _is_new(folder: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a folder was not met before: links may lead in circles."""
    found: os.stat_result = folder.stat()
    known = (found.st_dev, found.st_ino)
    if stat.S_ISDIR(found.st_mode) and known not in seen:
        seen.add(known)
        return True
    return False


def _raise(error: OSError) -> None:
    raise error
