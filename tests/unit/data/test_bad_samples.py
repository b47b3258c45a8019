import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onnxaudit.data.samples import load_samples
from onnxaudit.errors import DataError
from tests.unit.data.sample_files import COLOUR, GRAY, archive, bytes_of, picture


def nan_images() -> np.ndarray:
    images = np.zeros((4, 8, 10), np.float32)
    images[2, 3, 3] = np.nan
    return images


Y = np.array([0, 1, 1, 0])
X = bytes_of((4, 8, 10))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": nan_images()}, "image 2 has pixels that are NaN"),
        ({"x": X.astype(np.float32) - 100}, "before any preprocessing"),
        ({"x": X.astype(np.float32) * 300}, "no pixels"),
        ({"x": bytes_of((4, 16, 16))}, "wrong image size: 16×16 where the model takes 8×10"),
        ({"x": bytes_of((4, 80))}, r"shape \(4, 80\) is no stack of images"),
        ({"x": bytes_of((4, 8, 10, 7))}, "no axis of 1, 3 or 4 channels"),
        ({"x": bytes_of((0, 8, 10))}, "no stack of images"),
        ({"x": X.astype(str)}, "no pixels"),
        (
            {"x": X, "y": np.array([0, 1, 7, -1])},
            "label 7 of sample 2 is out of range: .* 3 classes, 0 to 2",
        ),
        ({"x": X, "y": np.ones(4, int)}, "two classes"),
        ({"x": X, "y": Y[:3]}, r"labels of shape \(3,\) for 4 images"),
        ({"x": X, "y": Y + 0.5}, "whole numbers"),
        ({"images": X}, "no array 'x' among images; name them as in data.npz:IMAGES,LABELS"),
        ({"x": np.array([{}, {}], dtype=object)}, "plain arrays"),
    ],
)
def test_bad_arrays_are_one_clear_line(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    path = archive(tmp_path, **arrays)
    with pytest.raises(DataError, match=said) as caught:
        load_samples(path, GRAY, 3)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def not_there(folder: Path) -> Path:
    return folder / "missing"


def empty_folder(folder: Path) -> Path:
    return folder


def other_file(folder: Path) -> Path:
    (folder / "data.csv").write_text("1,2,3")
    return folder / "data.csv"


def damaged_archive(folder: Path) -> Path:
    path = archive(folder, x=X)
    path.write_bytes(path.read_bytes()[:200])
    return path


def no_archive(folder: Path) -> Path:
    (folder / "data.npz").write_bytes(b"hello")
    return folder / "data.npz"


def damaged_picture(folder: Path) -> Path:
    path = folder / "a.png"
    Image.fromarray(bytes_of((64, 64))).save(path)
    path.write_bytes(path.read_bytes()[:800])
    return folder


def no_picture(folder: Path) -> Path:
    (folder / "a.jpg").write_text("hello")
    return folder


def vast_picture(folder: Path) -> Path:
    """A PNG header that declares 60000×60000 pixels."""
    path = picture(folder / "a.png", "L", size=(1, 1))
    content = bytearray(path.read_bytes())
    content[16:24] = (60000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    return folder


def one_class(folder: Path) -> Path:
    picture(folder / "1" / "a.png")
    return folder


def unordered_classes(folder: Path) -> Path:
    for name in ("ant", "bee"):
        picture(folder / name / "a.png")
    return folder


def unknown_class(folder: Path) -> Path:
    (folder / "labels.txt").write_text("ant\ncat\ndog\n")
    return unordered_classes(folder)


def too_few_names(folder: Path) -> Path:
    (folder / "labels.txt").write_text("ant\nbee\n")
    return unordered_classes(folder)


def mixed_places(folder: Path) -> Path:
    picture(folder / "a.png")
    return unordered_classes(folder)


def table(row: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        picture(folder / "a.png")
        picture(folder.parent / "outside.png")
        (folder / "labels.csv").write_text(f"a.png,0\n{row}\n")
        return folder

    return make


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_there, "no such file or folder"),
        (empty_folder, "no pictures found"),
        (other_file, "neither a folder of images nor an .npz"),
        (damaged_archive, "damaged"),
        (no_archive, "not an .npz archive"),
        (damaged_picture, "a.png: .*damaged"),
        (no_picture, "a.jpg: not a picture"),
        (vast_picture, "a.png: .*too many pixels"),
        (one_class, "two classes"),
        (unordered_classes, "labels.txt"),
        (unknown_class, "'bee' is not in labels.txt"),
        (too_few_names, "names 2 classes where the model has 3"),
        (mixed_places, "beside and inside"),
        (table("b.png,1"), "'b.png' is listed but not in the folder"),
        (table("../outside.png,1"), "outside the folder"),
        (table("a.png"), "filename,label"),
        (table("a.png,9"), "label 9 of sample 1 is out of range"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(DataError, match=said) as caught:
        load_samples(make(folder), COLOUR, 3)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("x_test", "no array 'x_test'"),
        ("x,labels", "no array 'labels'"),
        ("x,y,z", "at most one"),
        ("x,", "at most one"),
    ],
)
def test_wrong_names_of_arrays_are_one_clear_line(tmp_path: Path, names: str, said: str) -> None:
    path = archive(tmp_path, x=X, y=Y)
    with pytest.raises(DataError, match=said):
        load_samples(f"{path}:{names}", GRAY, 2)


def test_an_array_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxaudit.data.stored_arrays.MOST_BYTES", 100)
    with pytest.raises(DataError, match="'x' unpacks to"):
        load_samples(archive(tmp_path, x=X), GRAY, 2)
