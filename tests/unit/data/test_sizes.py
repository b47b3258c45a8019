"""The size that samples share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from onnxaudit.data.sizes import measure_size
from onnxaudit.errors import DataError
from onnxaudit.records import Layout


def save_picture(folder: Path, name: str, size: tuple[int, int], **options: Any) -> None:
    Image.new("RGB", size).save(folder / name, **options)


def test_pictures_of_one_size_tell_it(tmp_path: Path) -> None:
    save_picture(tmp_path, "a.png", (6, 4))
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    save_picture(tmp_path, "b.jpg", (4, 6), exif=turned)
    assert measure_size(tmp_path, Layout.NCHW) == (4, 6)


def test_pictures_of_several_sizes_are_refused(tmp_path: Path) -> None:
    for side in (4, 5, 6, 7):
        save_picture(tmp_path, f"{side}.png", (side, 3))
    with pytest.raises(DataError, match=r"these have 4 \(3x4, 3x5, 3x6, …\); .*--input-size HxW"):
        measure_size(tmp_path, Layout.NCHW)


@pytest.mark.parametrize(
    ("shape", "layout", "size"),
    [
        ((2, 4, 6), Layout.NCHW, (4, 6)),
        ((2, 3, 4, 6), Layout.NHWC, (4, 6)),
        ((2, 5, 6, 3), Layout.NCHW, (5, 6)),
        ((2, 3, 4, 3), Layout.NCHW, (4, 3)),
        ((2, 3, 4, 3), Layout.NHWC, (3, 4)),
        ((2, 3, 7), Layout.NCW, (1, 7)),
        ((2, 7, 3), Layout.NWC, (1, 7)),
        ((2, 7), Layout.NC, (1, 7)),
    ],
)
def test_arrays_tell_their_size(tmp_path: Path, shape: tuple[int, ...], layout: Layout, size: tuple[int, int]) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros(shape, np.float32))
    assert measure_size(tmp_path / "x.npz", layout) == size


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3, 4, 5), np.float32))
    with pytest.raises(DataError, match=r"shape \(2, 3, 4, 5\) holds no features"):
        measure_size(tmp_path / "x.npz", Layout.NC)
    with pytest.raises(DataError, match="neither a folder of images nor an"):
        measure_size(tmp_path / "missing", Layout.NCHW)
