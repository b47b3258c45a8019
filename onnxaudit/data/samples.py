"""`load_samples`: clean samples from what the user names."""

import re
from pathlib import Path

import numpy as np

from onnxaudit.data.archives import read_archive
from onnxaudit.data.folders import read_folder
from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Ints, Samples

ARCHIVE_WITH_NAMES = re.compile(r"(?P<path>.+\.npz):(?P<names>[^:/\\]+)", re.IGNORECASE)


def load_samples(
    source: str | Path,
    spec: InputSpec,
    classes: int,
    deadline: Deadline = NEVER,
    held: int = MOST_SAMPLES,
) -> tuple[Samples, tuple[str, ...] | None]:
    """Read clean samples for a model.

    Args:
        source: a folder of images, an `.npz` archive, or `FILE.npz:IMAGES,LABELS` to name its arrays.
        spec: what the model takes; pictures in folders are resized to it, arrays have to fit it.
        classes: how many the model tells apart.
        deadline: when it passes, the pictures that were read have to do.
        held: so many may be held; of more some are chosen, evenly over the classes.

    Returns:
        The samples, and the names of the classes where the data give them.

    Raises:
        DataError: missing, damaged, of another size, NaN, labels out of range, or fewer than two classes.
    """
    path, names = parse_source(str(source))
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; give a folder of images or an .npz file")
    if path.is_dir():
        images, labels, class_names, total = read_folder(path, spec, classes, deadline, held)
    elif path.suffix.lower() == ".npz":
        images, labels, class_names, total = read_archive(path, names, spec, held)
    else:
        raise DataError(f"{path}: neither a folder of images nor an .npz file")
    if labels is not None:
        check_labels(path, labels, classes)
    if class_names is not None and len(class_names) != classes:
        class_names = None  # an archive may name the classes of a larger data set
    return Samples(images, labels, str(source), total=total), class_names


def parse_source(source: str) -> tuple[Path, tuple[str, ...]]:
    """The path, and the names of arrays behind it."""
    match = None if Path(source).exists() else ARCHIVE_WITH_NAMES.fullmatch(source)
    if match is None:
        return Path(source), ()
    names = tuple(name.strip() for name in match["names"].split(","))
    if len(names) > 2 or not all(names):
        raise DataError(f"{source}: name one array of images and at most one of labels, as in FILE.npz:x_test,y_test")
    return Path(match["path"]), names


def check_labels(path: Path, labels: Ints, classes: int) -> None:
    """Raise DataError for labels out of range, or all of one class."""
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        first = int(outside[0])
        raise DataError(
            f"{path}: label {labels[first]} of sample {first} is out of range: the model has {classes} classes, "
            f"0 to {classes - 1}"
        )
    if len(np.unique(labels)) < 2:
        raise DataError(f"{path}: all samples are of class {labels[0]}; samples of two classes or more are needed")
