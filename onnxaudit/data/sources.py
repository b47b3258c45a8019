"""What a user may name as samples: a path, and names of arrays, columns or files behind it."""

import re
from pathlib import Path

from onnxaudit.errors import DataError

ARRAYS, TARS, COLUMNS, RECORDS = {".npz", ".npy"}, {".tar"}, {".parquet", ".arrow"}, {".tfrecord"}
WITH_NAMES = re.compile(r"(?P<path>.+\.(npz|npy|parquet|arrow)):(?P<names>[^:/\\]+)", re.IGNORECASE)
WITH_FEATURES = re.compile(r"(?P<path>.+\.tfrecords?(-\d+-of-\d+)?):(?P<names>[^:\\]+)", re.IGNORECASE)
RECORD_FILE = re.compile(r".+\.tfrecords?(-\d+-of-\d+)?", re.IGNORECASE)
KINDS = "an .npz, .npy, .tar, .parquet, .arrow or .tfrecord file"


def find_kind(path: Path) -> str:
    """The kind of a file: its suffix, in lower case; that of `a.tfrecord-00000-of-00010` is `.tfrecord`."""
    return ".tfrecord" if RECORD_FILE.fullmatch(path.name) else path.suffix.lower()


def parse_source(source: str) -> tuple[Path, tuple[str, ...]]:
    """The path, and the names behind it: of arrays, of columns, or of the file with labels.

    Raises:
        DataError: too many of them.
    """
    match = None if Path(source).exists() else WITH_NAMES.fullmatch(source) or WITH_FEATURES.fullmatch(source)
    if match is None:
        return Path(source), ()
    names = tuple(name.strip() for name in match["names"].split(","))
    if len(names) > 2 or not all(names):
        raise DataError(f"{source}: name one array of images and at most one of labels, as in FILE.npz:x_test,y_test")
    if match["path"].lower().endswith(".npy") and len(names) != 1:
        raise DataError(f"{source}: name one file of labels, as in FILE.npy:LABELS.npy")
    return Path(match["path"]), names
