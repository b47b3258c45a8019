"""Clean samples from folders of pictures.

Labels come from a `labels.csv` with rows `filename,label`, else from the names of sub-folders, else there are none.
A `labels.txt` with one class name a line gives the order of classes; without it whole numbers are class indexes, and
names count in sorted order if there is one for every class.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from onnxaudit.data.archives import Read
from onnxaudit.data.pictures import MODES, OTHER_PICTURES, SUFFIXES, read_pictures
from onnxaudit.data.selection import MOST_SAMPLES, choose_samples
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Ints
from onnxaudit.regular_files import follow_links, read_regular

TABLE, ORDER = "labels.csv", "labels.txt"
MOST_TABLE = 64 * 2**20  # bytes; a million rows have some 40
LONGEST_NUMBER = 9  # digits of a class index
LONGEST_SHOWN = 80  # characters of a stranger's text in a message
HEADER = ("filename", "label")

Listing = list[tuple[Path, str | None]]  # pictures with their class names


def read_folder(
    folder: Path, spec: InputSpec, classes: int, deadline: Deadline = NEVER, held: int = MOST_SAMPLES
) -> Read:
    """Images `(n, c, h, w)` in [0, 1], labels and class names of a folder, in the order of the file names.

    Of many pictures some are read, evenly over the classes, at most as many as may be `held`.

    Raises:
        DataError: no pictures, a damaged one, or labels that cannot be told.
    """
    if spec.channels not in MODES:
        raise DataError(f"{folder}: pictures cannot become images of {spec.channels} channels; give an .npz file")
    listing = list_pictures(folder)
    order = _read_order(folder, classes)
    names = [name for _, name in listing if name is not None]
    labels = _number(folder, names, order, classes) if names else None
    rows = choose_samples(len(listing), spec.channels * spec.height * spec.width, labels, held)
    images, read = read_pictures([listing[row][0] for row in rows], spec, deadline)
    chosen = None if labels is None else labels[rows[read]]
    return Read(images, chosen, order or _sorted_names(names, classes), len(listing))


def list_pictures(folder: Path) -> Listing:
    """The pictures that count, with the names of their classes.

    Raises:
        DataError: none, or a table of labels that cannot be used.
    """
    listing = _read_table(folder) if (folder / TABLE).is_file() else _search_pictures(folder)
    if not listing:
        raise DataError(f"{folder}: no pictures found ({', '.join(sorted(SUFFIXES))})")
    return listing


def _search_pictures(folder: Path) -> Listing:
    """Pictures of sub-folders with the sub-folder's name, or else the folder's own."""
    own = _pictures(folder.iterdir())
    listing: Listing = []
    for child in sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")):
        listing.extend((path, child.name) for path in _pictures(child.rglob("*")))
    if own and listing:
        raise DataError(f"{folder}: pictures both beside and inside class folders; keep them in one kind of place")
    return listing or [(path, None) for path in own]


def _pictures(paths: Iterable[Path]) -> list[Path]:
    seen = [path for path in paths if not path.name.startswith(".")]
    other = sorted(path for path in seen if path.suffix.lower() in OTHER_PICTURES and path.is_file())
    if other:  # leaving them out in silence would make other samples of these
        raise DataError(f"{other[0]}: {len(other)} pictures of a kind that is not read; convert them to PNG")
    return sorted(path for path in seen if path.suffix.lower() in SUFFIXES and path.is_file())


def _read_table(folder: Path) -> Listing:
    """The pictures that `labels.csv` lists; others in the folder are left out."""
    table = folder / TABLE
    try:
        rows = [row for row in csv.reader(_read_lines(table)) if row]
    except csv.Error as error:
        raise DataError(f"{table}: not a table of filename,label: {error}") from error
    if rows and tuple(cell.strip().lower() for cell in rows[0]) == HEADER:
        rows = rows[1:]
    listing: Listing = []
    for row in rows:
        if len(row) != len(HEADER):
            raise DataError(f"{table}: the row {','.join(row)!r} is not of the form filename,label")
        listing.append((_find_listed(folder, row[0]), row[1].strip()))
    return sorted(listing)


def _find_listed(folder: Path, name: str) -> Path:
    """The picture that a table names."""
    shown = f"{folder / TABLE}: {name[:LONGEST_SHOWN]!r}"
    path = folder / name.strip()
    try:
        inside, there = follow_links(path).is_relative_to(follow_links(folder)), path.is_file()
    except (OSError, ValueError) as error:  # too long, or with a zero byte
        raise DataError(f"{shown} is no name of a file") from error
    if not inside:
        raise DataError(f"{shown} lies outside the folder; refused")
    if not there:
        raise DataError(f"{shown} is listed but not in the folder")
    return path


def _read_order(folder: Path, classes: int) -> tuple[str, ...] | None:
    path = folder / ORDER
    if not path.is_file():
        return None
    order = tuple(line.strip() for line in _read_lines(path) if line.strip())
    if len(order) != classes or len(set(order)) != classes:
        raise DataError(f"{path}: names {len(set(order))} classes where the model has {classes}; give one a line")
    return order


def _read_lines(path: Path) -> list[str]:
    try:
        return read_regular(path, MOST_TABLE).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text") from error


def _number(folder: Path, names: list[str], order: tuple[str, ...] | None, classes: int) -> Ints:
    """Class indexes `(n,)` of class names."""
    distinct = sorted(set(names))
    if order is not None and set(distinct) <= set(order):
        return np.array([order.index(name) for name in names], dtype=np.int64)
    if all(name.isascii() and name.isdigit() for name in distinct):
        largest = max(distinct, key=lambda name: (len(name.lstrip("0")), name))
        if len(largest.lstrip("0")) > LONGEST_NUMBER:
            raise DataError(
                f"{folder}: class {largest[:LONGEST_SHOWN]} is out of range: the model has {classes} classes"
            )
        return np.array([int(name) for name in names], dtype=np.int64)
    if order is not None:
        unknown = next(name for name in distinct if name not in order)
        raise DataError(f"{folder}: class {unknown!r} is not in {ORDER}")
    if len(distinct) != classes:
        raise DataError(
            f"{folder}: {len(distinct)} class names where the model has {classes} classes; "
            f"a {ORDER} with one class name a line has to give their order"
        )
    return np.array([distinct.index(name) for name in names], dtype=np.int64)


def _sorted_names(names: list[str], classes: int) -> tuple[str, ...] | None:
    distinct = sorted(set(names))
    return tuple(distinct) if len(distinct) == classes and not all(map(str.isdigit, distinct)) else None
