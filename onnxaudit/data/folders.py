"""Clean samples from folders of pictures.

Labels come from a table (`label_tables.py`), else from the names of sub-folders, else there are none.
A `labels.txt` with one class name a line gives the order of classes; without it whole numbers are class indexes, and
names count in sorted order if there is one for every class.
"""

from collections.abc import Iterable
from pathlib import Path

from onnxaudit.data.label_tables import Listing, find_table, read_lines, read_table
from onnxaudit.data.picture_kinds import OTHER_PICTURES, SUFFIXES
from onnxaudit.data.picture_sets import ORDER, PictureSet
from onnxaudit.errors import DataError


def open_folder(folder: Path, classes: int | None) -> PictureSet:
    """The pictures of a folder, in the order of the file names.

    Raises:
        DataError: no pictures, or labels that cannot be told.
    """
    listing = list_pictures(folder)
    labels = [name for _, name in listing if name is not None]
    return PictureSet(
        source=folder,
        count=len(listing),
        labels=labels or None,
        take=lambda rows: [listing[row][0] for row in rows],
        order=None if classes is None else _read_order(folder, classes),
    )


def list_pictures(folder: Path) -> Listing:
    """The pictures that count, with the names of their classes.

    Raises:
        DataError: none, or a table of labels that cannot be used.
    """
    table = find_table(folder)
    listing = _search_pictures(folder) if table is None else read_table(table)
    if not listing:
        raise DataError(f"{folder}: no pictures found ({', '.join(sorted(SUFFIXES))})")
    return listing


def _search_pictures(folder: Path) -> Listing:
    """Pictures of sub-folders with the sub-folder's name, or else the folder's own."""
    own = _pictures(folder.iterdir())
    listing: Listing = []
    empty: list[Path] = []
    for child in sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")):
        inside = _pictures(child.rglob("*"))
        listing.extend((path, child.name) for path in inside)
        if not inside:
            empty.append(child)
    if own and listing:
        raise DataError(f"{folder}: pictures both beside and inside class folders; keep them in one kind of place")
    if listing and empty:  # numbers of classes would shift, or one would be missing in silence
        raise DataError(f"{empty[0]}: no picture in this folder, though others name classes; fill it or take it away")
    return listing or [(path, None) for path in own]


def _pictures(paths: Iterable[Path]) -> list[Path]:
    seen = [path for path in paths if not path.name.startswith(".")]
    other = sorted(path for path in seen if path.suffix.lower() in OTHER_PICTURES and path.is_file())
    if other:  # leaving them out in silence would make other samples of these
        raise DataError(f"{other[0]}: {len(other)} pictures of a kind that is not read; convert them to PNG")
    return sorted(path for path in seen if path.suffix.lower() in SUFFIXES and path.is_file())


def _read_order(folder: Path, classes: int) -> tuple[str, ...] | None:
    path = folder / ORDER
    if not path.is_file():
        return None
    order = tuple(line.strip() for line in read_lines(path) if line.strip())
    if len(order) != classes or len(set(order)) != classes:
        raise DataError(f"{path}: names {len(set(order))} classes where the model has {classes}; give one a line")
    return order
