"""Many pictures, most of which are never decoded: how many there are, their classes, and some of them by position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onnxaudit.data.archives import Read
from onnxaudit.data.pictures import MODES, Picture, read_pictures
from onnxaudit.data.selection import MOST_SAMPLES, choose_samples
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Ints

LONGEST_NUMBER = 9  # digits of a class index
LONGEST_SHOWN = 80  # characters of a stranger's text in a message
ORDER = "labels.txt"


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures from a folder, a tar file, a table or TFRecord files.

    Attributes:
        source: where they come from.
        count: how many there are.
        labels: class name of each, whole numbers as digits; None where they have none.
        take: the pictures at some positions, in ascending order.
        order: names of all classes in their order; None where the names say it, or nobody does.
        names: names of the classes whose indexes the labels are; None where nobody names them.
    """

    source: Path
    count: int
    labels: Sequence[str] | None
    take: Callable[[Ints], Sequence[Picture]]
    order: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None


def read_set(
    found: PictureSet, spec: InputSpec, classes: int, deadline: Deadline = NEVER, held: int = MOST_SAMPLES
) -> Read:
    """Images `(n, c, h, w)` in [0, 1], labels and class names of a set, in its order.

    Of many pictures some are read, evenly over the classes, at most as many as may be `held`.

    Raises:
        DataError: a damaged picture, or labels that cannot be told.
    """
    if spec.channels not in MODES:
        raise DataError(f"{found.source}: pictures cannot become images of {spec.channels} channels; give an .npz file")
    labels = None if found.labels is None else number(found.source, found.labels, found.order, classes)
    rows = choose_samples(found.count, spec.channels * spec.height * spec.width, labels, held)
    images, read = read_pictures(found.take(rows), spec, deadline)
    names = found.order or found.names or _sorted_names(found.labels or (), classes)
    return Read(images, None if labels is None else labels[rows[read]], names, found.count)


def number(source: Path, names: Sequence[str], order: tuple[str, ...] | None, classes: int) -> Ints:
    """Class indexes `(n,)` of class names.

    Raises:
        DataError: their order cannot be told.
    """
    distinct = sorted(set(names))
    if order is not None and set(distinct) <= set(order):
        return np.array([order.index(name) for name in names], dtype=np.int64)
    if all(name.isascii() and name.isdigit() for name in distinct):
        largest = max(distinct, key=lambda name: (len(name.lstrip("0")), name))
        if len(largest.lstrip("0")) > LONGEST_NUMBER:
            raise DataError(
                f"{source}: class {largest[:LONGEST_SHOWN]} is out of range: the model has {classes} classes"
            )
        return np.array([int(name) for name in names], dtype=np.int64)
    if order is not None:
        unknown = next(name for name in distinct if name not in order)
        raise DataError(f"{source}: class {unknown!r} is not in {ORDER}")
    if len(distinct) != classes:
        raise DataError(
            f"{source}: {len(distinct)} class names where the model has {classes} classes; "
            f"a {ORDER} with one class name a line has to give their order"
        )
    places = {name: place for place, name in enumerate(distinct)}
    return np.array([places[name] for name in names], dtype=np.int64)


def _sorted_names(names: Sequence[str], classes: int) -> tuple[str, ...] | None:
    distinct = sorted(set(names))
    return tuple(distinct) if len(distinct) == classes and not all(map(str.isdigit, distinct)) else None
