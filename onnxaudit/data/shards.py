"""Data sets that lie in several files of one kind: WebDatasets, what Hugging Face's libraries write, TFRecord files."""

from pathlib import Path

from onnxaudit.data.picture_kinds import SUFFIXES
from onnxaudit.data.sources import COLUMNS, RECORDS, TARS, find_kind
from onnxaudit.errors import DataError

KINDS = TARS | COLUMNS | RECORDS
SPLITS = ("train", "training", "test", "validation", "valid", "val", "dev")


def list_shards(folder: Path) -> list[Path]:
    """The files of a data set in a folder, in the order of their names; none where it holds pictures, or no such files.

    Raises:
        DataError: several kinds, or several splits: somebody has to choose one.
    """
    seen = [path for path in folder.rglob("*") if find_kind(path) in SUFFIXES.union(KINDS) and path.is_file()]
    seen = [path for path in seen if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if any(path.suffix.lower() in SUFFIXES for path in seen):
        return []  # an archive may lie beside what it holds
    found = sorted(seen)
    kinds = sorted({find_kind(path) for path in found})
    if len(kinds) > 1:
        raise DataError(f"{folder}: files of {' and of '.join(kinds)} side by side; name one, or a folder of one kind")
    splits = sorted({_find_split(path) for path in found})
    if len(splits) > 1:
        listed = ", ".join(split or "without a name" for split in splits)
        raise DataError(f"{folder}: several splits ({listed}); name one file, or a folder that holds one split")
    return found


def _find_split(path: Path) -> str:
    """The part of a data set that a file belongs to, by its name or that of its folder; "" where neither says it."""
    words = path.name.lower().split(".")[0].split("-")
    for word in (words[0], words[-1]):  # Hugging Face's "test-00000-of-00002", TensorFlow Datasets' "mnist-test"
        if word in SPLITS:
            return word
    return path.parent.name.lower() if path.parent.name.lower() in SPLITS else ""
