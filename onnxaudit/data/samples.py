"""`load_samples`: clean samples from what the user names."""

from pathlib import Path

import numpy as np

from onnxaudit.data.archives import read_archive
from onnxaudit.data.columns import open_columns
from onnxaudit.data.folders import open_folder
from onnxaudit.data.picture_sets import PictureSet, read_set
from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.data.shards import list_shards
from onnxaudit.data.sources import ARRAYS, COLUMNS, KINDS, RECORDS, TARS, find_kind, parse_source
from onnxaudit.data.tars import open_tars
from onnxaudit.data.tfrecords import open_records
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Ints, Samples


def load_samples(
    source: str | Path,
    spec: InputSpec,
    classes: int,
    deadline: Deadline = NEVER,
    held: int = MOST_SAMPLES,
) -> tuple[Samples, tuple[str, ...] | None]:
    """Read clean samples for a model.

    Args:
        source: a folder of images, an `.npz` archive (`FILE.npz:IMAGES,LABELS` names its arrays), an `.npy` file
            (`FILE.npy:LABELS.npy` names one beside it), a `.tar` file or a folder of such, a `.parquet` or `.arrow`
            file (`FILE.parquet:IMAGES,LABELS` names its columns), a `.tfrecord` file (`FILE.tfrecord:IMAGE,LABEL` names
            its features) or a folder of such.
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
        raise DataError(f"{path}: no such file or folder; give a folder of images, or {KINDS}")
    if path.suffix.lower() in ARRAYS and not path.is_dir():
        images, labels, class_names, total = read_archive(path, names, spec, held)
    else:
        found = open_pictures(path, names, classes)
        images, labels, class_names, total = read_set(found, spec, classes, deadline, held)
    if labels is not None:
        check_labels(path, labels, classes)
    if class_names is not None and len(class_names) != classes:
        class_names = None  # an archive may name the classes of a larger data set
    return Samples(images, labels, str(source), total=total), class_names


def open_pictures(path: Path, names: tuple[str, ...], classes: int | None = None) -> PictureSet:
    """The pictures of a folder, a tar file, a table or TFRecord files.

    Args:
        path: where they lie.
        names: of the columns or features with images and with labels.
        classes: how many the model tells apart; None where labels do not matter.

    Raises:
        DataError: there are none, or they are damaged.
        MissingPackageError: what reads such tables is not installed.
    """
    files = list_shards(path) if path.is_dir() else [path]
    if not files:
        return open_folder(path, classes)
    kind = find_kind(files[0])
    if kind in TARS:
        return open_tars(path, files)
    if kind in COLUMNS:
        return open_columns(path, files, names)
    if kind in RECORDS:
        return open_records(path, files, names)
    raise DataError(f"{path}: neither a folder of images nor {KINDS}")


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
