"""A cache in a store that several machines reach: a copy here for the workers, and a process that talks to the store.

As models are fetched (`cli/remote.py`), so are entries: neither the command's process nor a worker ever holds a
connection. What the store cannot give is computed; that it cannot is told once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onnxaudit.cache.entry import MOST_IN_ENTRY, seal, unseal
from onnxaudit.cache.folder import LAYOUT, LIMIT, REPORTS, UNITS, Cache, Stats, open_cache
from onnxaudit.cache.key import is_key
from onnxaudit.cache.store import Store
from onnxaudit.cli.recall import MOST_BYTES, MOST_UNITS
from onnxaudit.errors import OutputError
from onnxaudit.isolation.clerk import Clerk, ClerkError
from onnxaudit.remote.fetch import describe

PATIENCE = 120.0  # seconds for one answer; the first one waits for the import of what talks to the store
FAULTS = 3  # in a row, and the store is asked no more
Answer = tuple[Any, bytes]


class StoreError(Exception):
    """The store did not do what it was asked for; the message is for people."""


def open_office(url: str) -> Callable[[bytes], bytes]:
    """What answers questions about the entries of a store: a line of JSON, and the content of an entry behind it."""
    opened: list[Store] = []

    def answer(question: bytes) -> bytes:
        line, _, body = question.partition(b"\n")
        try:
            store = opened[0] if opened else Store(url)
            opened[:] = [store]
            what, name = json.loads(line)
            told, content = _do(store, what, name, body)
        except Exception as error:  # packages for networks have errors of many kinds
            told, content = {"fault": describe(error)}, b""
        return json.dumps(told).encode() + b"\n" + content

    return answer


def _do(store: Store, what: str, name: str, body: bytes) -> Answer:
    if what == "find":
        found = store.find(name)
        return {"found": found is not None}, found or b""
    if what == "list":
        return {"names": store.list(name)}, b""
    if what == "measure":
        return asdict(store.measure()), b""
    if what == "keep":
        store.keep(name, body)
    elif what == "drop":
        store.drop(name)
    else:
        store.clear()
    return {}, b""


class SharedCache(Cache):
    """Entries of a store, with a copy in a folder of this machine.

    Args:
        copy: the folder.
        url: of the store; for which `check_url` raised nothing.
        apart: whether a process of its own talks to the store.
        complain: is told once, in words, that the store cannot be used.
    """

    def __init__(self, copy: Cache, url: str, *, apart: bool, complain: Callable[[str], None]) -> None:
        """Nothing is asked yet."""
        super().__init__(copy.root, copy.limit, shared=True)
        self._url, self._apart, self._complain = url, apart, complain
        self._ask: Callable[[bytes], bytes] | None = None
        self._clerk: Clerk | None = None
        self._faults, self._told = 0, False

    @property
    def place(self) -> str:
        """The address of the store."""
        return self._url

    def begin(self) -> None:
        """Begin what talks to the store; nothing is asked of it."""
        self._reach()

    def find(self, key: str) -> bytes | None:
        """A whole report's bytes: of the copy, else of the store."""
        return super().find(key) or self._fetch(f"{REPORTS}/{key}", self.root / LAYOUT / REPORTS)

    def keep(self, key: str, body: bytes) -> None:
        """Keep a whole report, here and there."""
        super().keep(key, body)
        self._put(f"{REPORTS}/{key}", body)

    def fill(self, scope: Path) -> None:
        """Copy the finished parts that are missing here, as many as one worker may have kept."""
        folder, left = f"{UNITS}/{scope.name}", MOST_BYTES
        names = [name for name in self._list_there(folder) if is_key(name) and not (scope / name).exists()]
        for name in names[:MOST_UNITS]:
            left -= len(self._fetch(f"{folder}/{name}", scope) or b"")
            if left < 0:
                return

    def keep_unit(self, scope: Path, key: str, body: bytes) -> None:
        """Keep a finished part, here and there."""
        super().keep_unit(scope, key, body)
        self._put(f"{UNITS}/{scope.name}/{key}", body)

    def find_unit(self, scope: Path, key: str) -> bytes | None:
        """One finished part: of the copy, else of the store."""
        return super().find_unit(scope, key) or self._fetch(f"{UNITS}/{scope.name}/{key}", scope)

    def drop_unit(self, scope: Path, key: str) -> None:
        """Remove a part here and there."""
        super().drop_unit(scope, key)
        self._try("drop", f"{UNITS}/{scope.name}/{key}")

    def measure(self) -> Stats:
        """What the store has.

        Raises:
            OutputError: it does not say.
        """
        try:
            return Stats(**self._request("measure", "")[0])
        except StoreError as error:
            raise OutputError(f"{self._url} cannot be measured: {error}") from error

    def clear(self) -> None:
        """Remove all that the store has.

        Raises:
            OutputError: something cannot be removed.
        """
        try:
            self._request("clear", "")
        except StoreError as error:
            raise OutputError(f"{self._url} cannot be cleared: {error}") from error

    def close(self) -> None:
        """End what talks to the store."""
        if self._clerk is not None:
            self._clerk.close()
        self._clerk = self._ask = None

    def _fetch(self, name: str, folder: Path) -> bytes | None:
        """An entry that is what its name says, of which a copy stays in a folder."""
        told, content = self._try("find", name)
        key = name.rpartition("/")[2]
        body = unseal(content, key) if told.get("found") and len(content) <= MOST_IN_ENTRY else None
        if body is not None:
            self._keep(folder, key, body)
        return body

    def _list_there(self, folder: str) -> Sequence[str]:
        names = self._try("list", folder)[0].get("names", ())
        return [str(one) for one in names]

    def _put(self, name: str, body: bytes) -> None:
        content = seal(name.rpartition("/")[2], body)
        if len(content) <= MOST_IN_ENTRY:
            self._try("keep", name, content)

    def _try(self, what: str, name: str, body: bytes = b"") -> Answer:
        """The answer; an empty one where there is none, of which the first is told."""
        if self._faults >= FAULTS:
            return {}, b""
        try:
            answer = self._request(what, name, body)
        except StoreError as error:
            self._faults += 1
            if not self._told:
                self._complain(f"the cache at {self._url} cannot be used, so that more is computed: {error}")
            self._told = True
            return {}, b""
        self._faults = 0
        return answer

    def _request(self, what: str, name: str, body: bytes = b"") -> Answer:
        question = json.dumps([what, name]).encode() + b"\n" + body
        try:
            line, _, content = self._reach()(question).partition(b"\n")
            told = json.loads(line)
        except (ClerkError, ValueError) as error:
            self._faults = FAULTS  # one that hangs would hang again
            self.close()
            raise StoreError(str(error)) from error
        if "fault" in told:
            raise StoreError(told["fault"])
        return told, content

    def _reach(self) -> Callable[[bytes], bytes]:
        if self._ask is None and self._apart:
            clerk = self._clerk = Clerk(lambda: open_office(self._url))
            self._ask = lambda question: clerk.ask(question, PATIENCE)
        elif self._ask is None:
            self._ask = open_office(self._url)
        return self._ask


def open_shared_cache(
    folder: Path, url: str, limit: int = LIMIT, *, apart: bool, complain: Callable[[str], None]
) -> SharedCache:
    """The cache in a store, with its copy in a private folder; arguments as for `SharedCache`.

    Raises:
        OutputError: the folder cannot hold one.
    """
    return SharedCache(open_cache(folder, limit), url, apart=apart, complain=complain)
