"""Clean samples from tables with a column of pictures: Parquet, and Arrow as Hugging Face's `save_to_disk` writes it.

A picture is the bytes of a file, either plain or as `{bytes, path}`; a class is a whole number or a name. Names of
classes come from what Hugging Face's `datasets` writes into the schema. Read by pyarrow, where it is installed;
each column is validated before a value of it is read, since damaged ones make pyarrow crash.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from onnxaudit.data.label_tables import LABEL_COLUMNS
from onnxaudit.data.picture_sets import PictureSet
from onnxaudit.data.pictures import Picture, StoredPicture
from onnxaudit.errors import DataError, MissingPackageError, OnnxauditError
from onnxaudit.records import Ints
from onnxaudit.regular_files import open_regular

MOST_BYTES = 2**31  # of all pictures that are taken, as they are stored
MOST_GROUP = 2**30  # bytes of one part of a file, unpacked
SCHEMA = b"huggingface"
MAGIC = b"ARROW1"  # begins a file of Arrow's; a stream has none
LABELS = (*LABEL_COLUMNS, "labels", "fine_label", "cls")
BYTES = "bytes"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns, and what the schema says of the classes."""

    pictures: str
    labels: str | None
    names: tuple[str, ...] | None


def open_columns(source: Path, files: Sequence[Path], names: tuple[str, ...]) -> PictureSet:
    """The samples of tables, one file after the other.

    Args:
        source: what the user named.
        files: the tables.
        names: of the columns with pictures and with labels; empty where the schema has to say it.

    Raises:
        DataError: damaged, or no such columns.
        MissingPackageError: pyarrow is not installed.
    """
    _require_pyarrow(source)
    columns = _choose(files[0], names)
    counts, labels = list[int](), list[str]()
    for file in files:
        count, found = _read_labels(file, columns)
        counts.append(count)
        labels += found
    if sum(counts) == 0:
        raise DataError(f"{source}: no rows in it")
    take = partial(_take, files=files, counts=counts, column=columns.pictures)
    return PictureSet(source=source, count=sum(counts), labels=labels or None, take=take, names=columns.names)


def _require_pyarrow(source: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"{source}: Parquet and Arrow are read by pyarrow, which is not installed here: `pip install pyarrow`"
        ) from error


def _choose(file: Path, names: tuple[str, ...]) -> Columns:
    with _open(file) as table:
        schema, found = table.schema, list(table.schema.names)
    missing = next((name for name in names if name not in found), None)
    if missing is not None:
        raise DataError(f"{file}: no column {missing!r} among {', '.join(found[:12])}")
    pictures = [name for name in names[:1] or found if _holds_bytes(schema.field(name).type)]
    if len(pictures) != 1:
        what = "no column of pictures" if not pictures else f"several columns of pictures ({', '.join(pictures[:12])})"
        raise DataError(f"{file}: {what}; name columns as in {file.name}:IMAGES,LABELS, among {', '.join(found[:12])}")
    labels = names[1] if len(names) > 1 else next((name for name in LABELS if name in found), None)
    return Columns(pictures=pictures[0], labels=labels, names=_read_names(schema, labels))


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        place = kind.get_field_index(BYTES)
        return place >= 0 and _holds_bytes(kind.field(place).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _read_names(schema: Any, label: str | None) -> tuple[str, ...] | None:
    """The names of the classes, as `datasets` writes them; None where it does not."""
    try:
        names = json.loads(schema.metadata[SCHEMA])["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _read_labels(file: Path, columns: Columns) -> tuple[int, list[str]]:
    """How many rows there are, and the class of each."""
    with _open(file) as table:
        if columns.labels is None:
            return table.count(), []
        found = [value for part in table.parts(columns.labels) for value in part.to_pylist()]
    if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in found):
        raise DataError(f"{file}: column {columns.labels!r} holds no classes: whole numbers or names, one a row")
    return len(found), [str(value).strip() for value in found]


def _take(rows: Ints, *, files: Sequence[Path], counts: Sequence[int], column: str) -> list[Picture]:
    """The pictures of some rows, ascending."""
    taken: list[Picture] = []
    held, first = 0, 0
    for file, count in zip(files, counts, strict=True):
        for row, data in _pick(file, column, rows[(rows >= first) & (rows < first + count)] - first):
            held += len(data)
            if held > MOST_BYTES:
                raise DataError(f"{file}: the pictures take more than {MOST_BYTES // 2**30} GiB; give fewer")
            taken.append(StoredPicture(name=f"{file}: row {row}", load=partial(bytes, data)))
        first += count
    return taken


def _pick(file: Path, column: str, rows: Ints) -> Iterator[tuple[int, bytes]]:
    first = 0
    if not len(rows):
        return
    with _open(file) as table:
        for part in table.parts(column):
            for row in rows[(rows >= first) & (rows < first + len(part))].tolist():
                value = part[row - first].as_py()
                data = value.get(BYTES) if isinstance(value, dict) else value
                if not data:
                    raise DataError(f"{file}: row {row} holds no picture, only a name at most")
                yield row, data
            first += len(part)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """An open file: its schema, and its columns part by part."""

    schema: Any
    rows: int | None  # None: nobody says it
    parts: Callable[[str], Iterator[Any]]

    def count(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.parts(self.schema.names[0]))) if self.rows is None else self.rows


@contextmanager
def _open(path: Path) -> Iterator[_Table]:
    """A table; whatever pyarrow raises in the block becomes a DataError."""
    try:
        with open_regular(path) as file:
            yield _open_parquet(path, file) if path.suffix.lower() == ".parquet" else _open_arrow(file)
    except (OnnxauditError, MemoryError):
        raise
    except Exception as error:  # pyarrow has its own for damage, some of them OSErrors without a number
        raise DataError(f"{path}: no Parquet or Arrow file, or it is damaged") from error


def _open_parquet(path: Path, file: IO[bytes]) -> _Table:
    from pyarrow import parquet

    opened = parquet.ParquetFile(file)

    def parts(column: str) -> Iterator[Any]:
        for place in range(opened.metadata.num_row_groups):
            if opened.metadata.row_group(place).total_byte_size > MOST_GROUP:
                raise DataError(
                    f"{path}: one of its row groups unpacks to more than {MOST_GROUP // 2**30} GiB; refused"
                )
            yield _validate(opened.read_row_group(place, columns=[column], use_threads=False).column(0))

    return _Table(schema=opened.schema_arrow, rows=opened.metadata.num_rows, parts=parts)


def _validate(part: Any) -> Any:
    """The values of a column, once it is sure that none of them lies outside of what was read."""
    part.validate(full=True)
    return part


def _open_arrow(file: IO[bytes]) -> _Table:
    """A stream, as `datasets` writes it, or a file."""
    from pyarrow import ipc

    is_file = file.read(len(MAGIC)) == MAGIC

    def batches() -> Iterator[Any]:
        file.seek(0)
        if not is_file:
            yield from ipc.open_stream(file)
            return
        opened = ipc.open_file(file)
        yield from (opened.get_batch(place) for place in range(opened.num_record_batches))

    file.seek(0)
    schema = (ipc.open_file(file) if is_file else ipc.open_stream(file)).schema
    return _Table(
        schema=schema, rows=None, parts=lambda column: (_validate(batch.column(column)) for batch in batches())
    )
