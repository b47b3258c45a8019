"""Arrays in `.npz` archives and `.npy` files, read row by row: a few bytes can say that they hold any number of them.

`numpy.load` unpacks a whole array before anybody has seen its shape. Here the header is read first, and of the rows
only those that are wanted are kept.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from onnxaudit.errors import DataError
from onnxaudit.records import Ints
from onnxaudit.regular_files import open_regular

MOST_BYTES = 2**30  # of what is kept of one array
MOST_UNPACKED = 2**33  # of one array, most of which may be passed over
PIECE = 2**22  # bytes at one time
SUFFIX = ".npy"

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class StoredArray:
    """An array that has not been read yet.

    Attributes:
        path: the archive, or the array's own file.
        name: of the array in it.
        shape: as its header says.
        dtype: likewise; never objects.
        columns: whether it is stored column by column, as Fortran does.
        open: its bytes, from the header on.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns: bool
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    def read(self, rows: Ints | None = None) -> AnyArray:
        """The array, or the rows (positions in ascending order) of it.

        Raises:
            DataError: too large.
            Exception: zipfile and zlib have their own for damage.
        """
        count = self.shape[0] if self.shape else 1
        each = prod(self.shape[1:]) * self.dtype.itemsize
        kept = count if rows is None or self.columns else len(rows)
        if kept * each > MOST_BYTES or count * each > MOST_UNPACKED:
            unpacked = count * each / 2**30
            raise DataError(f"{self.path}: array {self.name!r} unpacks to {unpacked:.1f} GiB; give fewer images")
        with self.open() as file:
            _read_header(file)
            if rows is None or self.columns or kept == count:
                whole = np.frombuffer(_read_exactly(file, count * each), self.dtype)
                file.read(1)  # at the end the checksum is looked at
                ordered = whole.reshape(self.shape[::-1]).T if self.columns else whole.reshape(self.shape)
                return ordered if rows is None else ordered[rows]
            return np.frombuffer(b"".join(_pick(file, rows, each)), self.dtype).reshape(kept, *self.shape[1:])


@contextmanager
def open_archive(path: Path) -> Iterator[dict[str, StoredArray | None]]:
    """The arrays of an archive by their names, none of them read yet; None for what is none of plain values.

    Raises:
        DataError: damaged, no archive, or two arrays of one name.
        OSError: it cannot be read.
    """
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        names = [entry.filename.removesuffix(SUFFIX) for entry in archive.infolist()]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise DataError(f"{path}: two arrays are called {twice!r}: readers take the one or the other; refused")
        yield {name: _open(path, name, partial(archive.open, _find_member(archive, name))) for name in names}


@contextmanager
def open_arrays(files: Mapping[str, Path]) -> Iterator[dict[str, StoredArray | None]]:
    """Arrays that are files of their own, none of them read yet; None for what is none of plain values.

    Raises:
        OSError: one cannot be read.
    """
    yield {name: _open(path, path.name, partial(open_regular, path)) for name, path in files.items()}


def _open(path: Path, name: str, opened: Callable[[], AbstractContextManager[IO[bytes]]]) -> StoredArray | None:
    """One array; None for what is no array of plain values."""
    try:
        with opened() as file:
            shape, columns, dtype = _read_header(file)
    except (ValueError, OSError, EOFError, RuntimeError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    plain = not dtype.hasobject and dtype.itemsize and all(isinstance(axis, int) and axis >= 0 for axis in shape)
    if not plain:
        return None
    return StoredArray(path=path, name=name, shape=shape, dtype=dtype, columns=columns, open=opened)


def _find_member(archive: zipfile.ZipFile, name: str) -> str:
    return name + SUFFIX if name + SUFFIX in archive.NameToInfo else name


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type.

    Raises:
        ValueError: no array that numpy writes.
    """
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version}")
    shape, columns, dtype = readers[version](file)
    return shape, bool(columns), dtype


def _read_exactly(file: IO[bytes], count: int) -> bytes:
    parts, left = [], count
    while left:
        part = file.read(min(left, PIECE))
        if not part:
            raise ValueError("fewer bytes than the header says")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _pick(file: IO[bytes], rows: Ints, each: int) -> Iterator[bytes]:
    """The bytes of some rows, what lies between them passed over."""
    at = 0
    for row in rows.tolist():
        skipped = (row - at) * each
        while skipped:
            passed = len(file.read(min(skipped, PIECE)))
            if not passed:
                raise ValueError("fewer bytes than the header says")
            skipped -= passed
        yield _read_exactly(file, each)
        at = row + 1
