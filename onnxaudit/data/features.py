"""Clean samples of series and of plain features: arrays and tables, as the model takes them.

Pictures have a range that everybody knows; features have not. Each feature, or each channel of a series, is mapped to
[0, 1] by the range that it has in the samples, and a trigger is sought within it.
"""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.data.archives import IMAGES, LABELS, read_arrays, read_labels
from onnxaudit.data.preprocessing import observe_bounds, to_unit_space
from onnxaudit.data.samples import check_labels
from onnxaudit.data.sources import parse_source
from onnxaudit.data.stored_arrays import MOST_BYTES
from onnxaudit.errors import DataError
from onnxaudit.records import Floats, InputSpec, Layout, Preprocessing, Samples
from onnxaudit.regular_files import read_regular

LABEL_COLUMNS = ("label", "class", "target", "y")
OWN_RANGES = "own ranges"

AnyArray = npt.NDArray[Any]


def load_features(
    source: str | Path, spec: InputSpec, classes: int, preprocessing: Preprocessing | None = None
) -> tuple[Samples, Preprocessing]:
    """Read clean samples for a model of series or features.

    Args:
        source: an `.npz` archive (`FILE.npz:X,Y` names its arrays), an `.npy` array, or, for features, a `.csv` table
            with one column a feature; a column `label`, `class`, `target` or `y` holds class indexes.
        spec: what the model takes; the values are taken as they are.
        classes: how many the model tells apart.
        preprocessing: the ranges in use; those of the samples where None.

    Returns:
        The samples, each range mapped to [0, 1], and the preprocessing that maps them back.

    Raises:
        DataError: missing, damaged, of another size, NaN, or labels out of range.
    """
    path, values, labels = read_values(source, spec.layout)
    values = _arrange(path, values, spec)
    if labels is not None:
        labels = read_labels(path, labels, len(values))
        check_labels(path, labels, classes)
    if preprocessing is None:
        preprocessing = Preprocessing(OWN_RANGES, bounds=observe_bounds(values, spec.layout))
    images = to_unit_space(values, preprocessing.bounds, spec.layout)
    return Samples(images, labels, str(source)), preprocessing


def read_values(source: str | Path, layout: Layout) -> tuple[Path, AnyArray, AnyArray | None]:
    """The file that `source` names, its values as they are, and labels where it has any.

    Raises:
        DataError: missing, damaged, or of another kind.
    """
    path, names = parse_source(str(source))
    if not path.is_file():
        raise DataError(f"{path}: no such file; give an .npz, .npy or .csv file with {layout.unit}")
    return path, *_read(path, names)


def _read(path: Path, names: tuple[str, ...]) -> tuple[AnyArray, AnyArray | None]:
    match path.suffix.lower():
        case ".npz":
            arrays = read_arrays(path, names)
            return arrays[IMAGES], arrays.get(LABELS)
        case ".npy":
            try:
                return np.load(io.BytesIO(read_regular(path, MOST_BYTES)), allow_pickle=False), None
            except (OSError, ValueError, EOFError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
                raise DataError(f"{path}: not an .npy array of plain numbers, or it is damaged") from error
        case ".csv":
            return _read_table(path)
        case _:
            raise DataError(f"{path}: neither an .npz, an .npy nor a .csv file")


def _read_table(path: Path) -> tuple[AnyArray, AnyArray | None]:
    """Columns of numbers; a first row that is none names them."""
    try:
        rows = [row for row in csv.reader(read_regular(path).decode("utf-8-sig").splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows and not _are_numbers(rows[0]) else []
    try:
        table = np.array([[float(cell) for cell in row] for row in rows[bool(header) :]], dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path}: not a table of numbers with equally many in each row") from error
    column = next((header.index(name) for name in LABEL_COLUMNS if name in header), None)
    if column is None or table.ndim != 2 or table.shape[1] != len(header):
        return table, None
    return np.delete(table, column, axis=1), table[:, column]


def _are_numbers(cells: list[str]) -> bool:
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _arrange(path: Path, values: AnyArray, spec: InputSpec) -> Floats:
    """Samples as the model takes them as `(n, c, 1, w)`."""
    wanted = spec.shape(1)[1:]
    if values.ndim != len(wanted) + 1 or values.shape[1:] != wanted or not len(values):
        advice = ""
        if spec.layout is Layout.NC:
            advice = f"; in a table with labels a header has to name their column ({', '.join(LABEL_COLUMNS)})"
        shape = ", ".join(map(str, ("n", *wanted)))
        raise DataError(f"{path}: an array of shape {values.shape} where the model takes ({shape}){advice}")
    if values.dtype.kind not in "uif":
        raise DataError(f"{path}: values of type {values.dtype} are no numbers")
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"{path}: sample {int(np.argmin(finite))} has values that are NaN or infinite")
    if spec.layout is Layout.NWC:
        values = np.moveaxis(values, 2, 1)
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1, spec.channels, 1, spec.width)
