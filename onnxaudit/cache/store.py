"""Entries of a cache that several machines share, in a store that fsspec reaches: objects of a bucket, or files.

An entry appears whole or not at all: an object is put in one piece, a file is written aside and renamed. What is found
is as untrusted as any file, and checked by whoever asked. fsspec is imported where a store is opened.
"""

import contextlib
import re
import secrets
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from onnxaudit.cache.entry import MOST_IN_ENTRY
from onnxaudit.cache.folder import LAYOUT, REPORTS, UNITS, Stats
from onnxaudit.errors import MissingPackageError, UsageError
from onnxaudit.packages import is_installed

PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "file": "fsspec", "memory": "fsspec"}
FORMS = "s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER, file:///FOLDER"
ADDRESS = re.compile(r"([a-z][a-z0-9+.]*)://(.*)", re.DOTALL)


def is_url(word: str) -> bool:
    """Whether a word names a store and no folder of this machine."""
    return ADDRESS.match(word) is not None


def check_url(url: str) -> None:
    """Make sure that a store of that kind can be used here; nothing is asked of it.

    Raises:
        UsageError: there is none of that kind, or the address lacks a part.
        MissingPackageError: the package that talks to it is not installed.
    """
    found = ADDRESS.fullmatch(url)
    scheme, place = ("", "") if found is None else found.groups()
    if scheme not in PACKAGES or "::" in url or not place.strip("/"):
        raise UsageError(f"{url} is no store that can hold a cache; give {FORMS}, or a folder")
    package = PACKAGES[scheme]
    if not is_installed(package):
        raise MissingPackageError(f"{url}: {package} is not installed here; `pip install {package}` brings it")


class Store:
    """Entries below an address; every method raises whatever the package of its kind does.

    Args:
        url: for which `check_url` raised nothing.
    """

    def __init__(self, url: str) -> None:
        """Open it."""
        fsspec: Any = import_module("fsspec")
        self._files, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
        self._root, self._renames = f"{root.rstrip('/')}/{LAYOUT}", url.startswith("file:")

    def find(self, name: str) -> bytes | None:
        """The content of an entry; of one that is larger than any, a part."""
        try:
            content: bytes = self._files.cat_file(f"{self._root}/{name}", start=0, end=MOST_IN_ENTRY + 1)
        except FileNotFoundError:
            return None
        return content

    def list(self, folder: str) -> tuple[str, ...]:
        """Names of the entries in a folder."""
        try:
            found = self._files.ls(f"{self._root}/{folder}", detail=False)
        except FileNotFoundError:
            return ()
        return tuple(sorted(str(one).rpartition("/")[2] for one in found))

    def keep(self, name: str, content: bytes) -> None:
        """Put an entry in its place."""
        path = f"{self._root}/{name}"
        if not self._renames:
            self._files.pipe_file(path, content)
            return
        folder, _, last = path.rpartition("/")
        draft = f"{folder}/.draft-{secrets.token_hex(8)}-{last}"
        self._files.makedirs(folder, exist_ok=True)
        try:
            self._files.pipe_file(draft, content)
            self._files.mv(draft, path)
        except BaseException:
            with contextlib.suppress(OSError):
                self._files.rm_file(draft)
            raise

    def drop(self, name: str) -> None:
        """Remove an entry, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{name}")

    def measure(self) -> Stats:
        """What there is."""
        try:
            found: Mapping[str, Any] = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            found = {}
        reports = sum(f"/{LAYOUT}/{REPORTS}/" in f"/{path}" for path in found)
        size = sum(int(one.get("size") or 0) for one in found.values())
        units = sum(f"/{LAYOUT}/{UNITS}/" in f"/{path}" for path in found)
        return Stats(reports=reports, units=units, bytes=size)

    def clear(self) -> None:
        """Remove all entries."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._root, recursive=True)
