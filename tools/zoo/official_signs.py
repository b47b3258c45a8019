"""The German Traffic Sign Recognition Benchmark as it is published, packed into an archive that zoos learn from.

    Final_Training/Images/00000/*.ppm   with GT-00000.csv, a folder for each of 43 classes
    Final_Test/Images/*.ppm             with GT-final_test.csv, here or in a folder above

Source: J. Stallkamp et al., Man vs. computer, Neural Networks 32, 2012. Images are scaled whole, border included.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
ARCHIVE = "gtsrb32.npz"
_TRAINING = Path("Final_Training/Images")
_TEST = Path("Final_Test/Images")
_TEST_LABELS = "GT-final_test.csv"

Listed = tuple[Path, int]


def pack_official_signs(folder: Path) -> Path | None:
    """Writes `gtsrb32.npz` beside the official folders, unless it is there; None where `folder` holds neither.

    Raises:
        FileNotFoundError: If the training folder is there and labels or test images are not.
    """
    archive = folder / ARCHIVE
    if archive.exists():
        return archive
    root = next((root for root in (folder, folder / "GTSRB") if (root / _TRAINING).is_dir()), None)
    if root is None:
        return None
    x_train, y_train = _read(list_training_images(root))
    x_test, y_test = _read(list_test_images(root))
    draft = archive.with_suffix(".draft.npz")
    np.savez_compressed(draft, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    draft.replace(archive)
    return archive


def list_training_images(root: Path) -> list[Listed]:
    """Every training image with its class."""
    tables = sorted((root / _TRAINING).glob("*/GT-*.csv"))
    if not tables:
        raise FileNotFoundError(f"{root / _TRAINING}: no class folder holds its GT-NNNNN.csv")
    return [row for table in tables for row in _list_images(table, table.parent)]


def list_test_images(root: Path) -> list[Listed]:
    """Every test image with its class, in the order of the official numbers."""
    places = (root / _TEST, root / _TEST.parent, root, root.parent)
    table = next((place / _TEST_LABELS for place in places if (place / _TEST_LABELS).exists()), None)
    if table is None:
        raise FileNotFoundError(f"{root / _TEST}: no {_TEST_LABELS}, which is published apart from the images")
    return sorted(_list_images(table, root / _TEST))


def _list_images(table: Path, folder: Path) -> Iterator[Listed]:
    with table.open(newline="", encoding="ascii") as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            yield folder / row["Filename"], int(row["ClassId"])


def _read(listed: Sequence[Listed]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images = np.stack([_read_image(path) for path, _ in listed])
    return images, np.array([label for _, label in listed], dtype=np.uint8)


def _read_image(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
