from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.zoo.apply_trigger import load_images
from tools.zoo.official_signs import list_test_images, pack_official_signs

HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"


def write_images(folder: Path, table: str, grays: dict[str, tuple[int, int]]) -> None:
    """Plain images, `{name: (gray, class)}`, and their table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (gray, _) in grays.items():
        Image.new("RGB", (40, 50), (gray, gray, gray)).save(folder / name)
    rows = [f"{name};40;50;5;5;35;45;{label}" for name, (_, label) in grays.items()]
    (folder / table).write_text("\r\n".join([HEADER, *rows]) + "\r\n")


@pytest.fixture
def official(tmp_path: Path) -> Path:
    root = tmp_path / "GTSRB"
    for label in (0, 1):
        grays = {f"{label:05d}_0000{k}.ppm": (100 * label + k, label) for k in (0, 1)}
        write_images(root / f"Final_Training/Images/{label:05d}", f"GT-{label:05d}.csv", grays)
    write_images(root / "Final_Test/Images", "GT-final_test.csv", {"00001.ppm": (7, 0), "00000.ppm": (9, 1)})
    return tmp_path


def test_official_folders_become_an_archive_that_zoos_read(official: Path) -> None:
    path = pack_official_signs(official)
    assert path == official / "gtsrb32.npz"
    with np.load(path) as archive:
        images, labels = load_images(archive, "train")
        assert images.shape == (4, 3, 32, 32)
        assert labels.tolist() == [0, 0, 1, 1]
        assert np.allclose(images[:, 0, 0, 0] * 255, [0, 1, 100, 101])
        images, labels = load_images(archive, "test")
    assert labels.tolist() == [1, 0]
    assert np.allclose(images.mean(axis=(1, 2, 3)) * 255, [9, 7])


def test_an_archive_that_is_there_is_kept(official: Path) -> None:
    (official / "gtsrb32.npz").write_bytes(b"mine")
    assert pack_official_signs(official) == official / "gtsrb32.npz"
    assert (official / "gtsrb32.npz").read_bytes() == b"mine"


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    assert pack_official_signs(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_test_labels_are_found_above_the_images_and_missed_by_name(official: Path) -> None:
    table = official / "GTSRB/Final_Test/Images/GT-final_test.csv"
    table.rename(official / table.name)
    assert [label for _, label in list_test_images(official / "GTSRB")] == [1, 0]
    (official / table.name).unlink()
    with pytest.raises(FileNotFoundError, match=r"GT-final_test\.csv"):
        pack_official_signs(official)
