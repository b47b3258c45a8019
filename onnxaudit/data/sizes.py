"""The size that samples share, for models that take any."""

from pathlib import Path

import numpy as np

from onnxaudit.data.archives import arrange_channels, read_shape
from onnxaudit.data.features import read_values
from onnxaudit.data.picture_sets import PictureSet
from onnxaudit.data.pictures import read_size
from onnxaudit.data.samples import open_pictures
from onnxaudit.data.sources import ARRAYS, parse_source
from onnxaudit.errors import DataError
from onnxaudit.records import Layout

DIMENSIONS = (3, 4)  # of a stack of images


def measure_size(source: str | Path, layout: Layout) -> tuple[int, int]:
    """Height and width of all samples that `source` names; series and features have height 1.

    Raises:
        DataError: missing, damaged, or pictures of several sizes.
    """
    if not layout.is_image:
        return _measure_values(source, layout)
    path, names = parse_source(str(source))
    if path.suffix.lower() not in ARRAYS or path.is_dir():
        return _measure_pictures(open_pictures(path, names))
    shape = read_shape(path, names)
    # An array of that shape takes no memory as long as nobody writes into it.
    stack = np.broadcast_to(np.zeros(1, np.uint8), shape) if len(shape) in DIMENSIONS else np.zeros(0, np.uint8)
    height, width = arrange_channels(path, stack, layout, None).shape[2:]
    return height, width


def _measure_pictures(found: PictureSet) -> tuple[int, int]:
    sizes = sorted({read_size(picture) for picture in found.take(np.arange(found.count))})
    if len(sizes) > 1:
        few = ", ".join(f"{height}x{width}" for height, width in sizes[:3])
        raise DataError(
            f"{found.source}: the model takes pictures of any size, and these have {len(sizes)} ({few}"
            f"{', …' if len(sizes) > 3 else ''}); name the one to audit with --input-size HxW"
        )
    return sizes[0]


def _measure_values(source: str | Path, layout: Layout) -> tuple[int, int]:
    path, values, _ = read_values(source, layout)
    axis = {Layout.NC: 1, Layout.NCW: 2, Layout.NWC: 1}[layout]
    if values.ndim != (2 if layout is Layout.NC else 3) or not values.shape[axis]:
        raise DataError(f"{path}: an array of shape {values.shape} holds no {layout.unit} for this model")
    return 1, int(values.shape[axis])
