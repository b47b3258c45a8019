"""Tables of labels beside pictures: which picture is of which class.

`labels.csv` and `metadata.csv` have a line of names of columns, or just a name of a file and a label a row; commas,
semicolons or tabs part them. `labels.json` maps names of files to labels, or lists objects like those that
`metadata.jsonl` has one a line. Pictures that the table does not name are left out.
"""

import csv
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from onnxaudit.errors import DataError
from onnxaudit.regular_files import follow_links, read_regular

TABLES = ("labels.csv", "labels.json", "metadata.csv", "metadata.jsonl")
FILE_COLUMNS = ("filename", "file_name", "file", "image", "path", "name")
LABEL_COLUMNS = ("label", "class", "class_id", "class_name", "category", "target", "y")
MOST_TABLE = 64 * 2**20  # bytes; a million rows have some 40
LONGEST_SHOWN = 80  # characters of a stranger's text in a message
SEPARATORS = (",", ";", "\t")

Listing = list[tuple[Path, str | None]]  # pictures with their class names
Pair = tuple[str, str]  # name of a file, and of its class


def find_table(folder: Path) -> Path | None:
    """The table of a folder; None where it has none.

    Raises:
        DataError: it has several.
    """
    found = [folder / name for name in TABLES if (folder / name).is_file()]
    if len(found) > 1:
        raise DataError(f"{folder}: {found[0].name} and {found[1].name} both give labels; keep one of them")
    return found[0] if found else None


def read_table(table: Path) -> Listing:
    """The pictures that a table lists.

    Raises:
        DataError: damaged, or it names what is not there.
    """
    pairs = _read_rows(table) if table.suffix == ".csv" else _read_objects(table)
    return sorted((_find_listed(table, name), label) for name, label in pairs)


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        DataError: it is none.
    """
    try:
        return read_regular(path, MOST_TABLE).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text") from error


def _read_rows(table: Path) -> Iterator[Pair]:
    lines = read_lines(table)
    first = next((line for line in lines if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{table}: not a table of filename,label: {error}") from error
    columns = _find_columns([cell.strip().lower() for cell in rows[0]]) if rows else None
    width = len(rows[0]) if columns else 2
    for row in rows[1:] if columns else rows:
        if len(row) != width:
            raise DataError(
                f"{table}: the row {separator.join(row)[:LONGEST_SHOWN]!r} is not of the form filename,label"
            )
        name, label = columns or (0, 1)
        yield row[name].strip(), row[label].strip()


def _find_columns(head: Sequence[str]) -> tuple[int, int] | None:
    """Places of the file's name and of the label; None where the row names no columns."""
    names = [head.index(one) for one in FILE_COLUMNS if one in head]
    labels = [head.index(one) for one in LABEL_COLUMNS if one in head]
    return (names[0], labels[0]) if names and labels else None


def _read_objects(table: Path) -> Iterator[Pair]:
    try:
        text = "\n".join(read_lines(table))
        found = json.loads(text) if table.suffix == ".json" else [json.loads(one) for one in text.splitlines() if one]
    except (ValueError, RecursionError) as error:
        raise DataError(f"{table}: not JSON, or damaged") from error
    if isinstance(found, dict):
        found = [{FILE_COLUMNS[0]: name, LABEL_COLUMNS[0]: label} for name, label in found.items()]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DataError(f"{table}: neither names of files with their labels nor a list of objects")
    for one in found:
        yield _read_object(table, one)


def _read_object(table: Path, one: Mapping[str, Any]) -> Pair:
    columns = _find_columns(list(one))
    name, label = (list(one.values())[place] for place in columns) if columns else (None, None)
    if not isinstance(name, str) or not isinstance(label, str | int) or isinstance(label, bool):
        raise DataError(f"{table}: {json.dumps(one)[:LONGEST_SHOWN]} is no name of a file with a label")
    return name.strip(), str(label).strip()


def _find_listed(table: Path, name: str) -> Path:
    """The picture that a table names, its parts parted as on Windows or composed differently too."""
    folder, shown = table.parent, f"{table}: {name[:LONGEST_SHOWN]!r}"
    spelled = dict.fromkeys((name, name.replace("\\", "/")))
    ways = dict.fromkeys(unicodedata.normalize(form, one) for one in spelled for form in ("NFC", "NFD"))
    for way in (*spelled, *ways):
        path = folder / way
        try:
            inside, there = follow_links(path).is_relative_to(follow_links(folder)), path.is_file()
        except (OSError, ValueError) as error:  # too long, or with a zero byte
            raise DataError(f"{shown} is no name of a file") from error
        if not inside:
            raise DataError(f"{shown} lies outside the folder; refused")
        if there:
            return path
    raise DataError(f"{shown} is listed but not in the folder")
