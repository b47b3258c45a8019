from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.zoo.picture_folders import main


def draw(folder: Path, *places: str) -> None:
    for number, place in enumerate(places):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 9, 3), 10 * number, np.uint8)).save(path)


def test_pictures_are_packed_by_class_in_the_order_of_their_names(tmp_path: Path) -> None:
    draw(tmp_path, "train/b/0.png", "train/a/1.png", "train/a/0.png", "test/b/0.png", "test/a/0.png")
    main([str(tmp_path), str(tmp_path / "packed" / "signs.npz"), "--side", "8"])
    with np.load(tmp_path / "packed" / "signs.npz") as archive:
        assert archive["x_train"].shape == (3, 8, 8, 3)
        assert archive["x_train"][:, 0, 0, 0].tolist() == [20, 10, 0]
        assert archive["y_train"].tolist() == [0, 0, 1]
        assert archive["y_test"].tolist() == [0, 1]


def test_a_class_without_test_pictures_is_named(tmp_path: Path) -> None:
    draw(tmp_path, "train/a/0.png")
    with pytest.raises(FileNotFoundError, match=r"test/a holds no picture"):
        main([str(tmp_path), str(tmp_path / "signs.npz"), "--side", "8"])


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder of a class"):
        main([str(tmp_path), str(tmp_path / "signs.npz"), "--side", "8"])
