from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from onnxaudit.data.samples import load_samples
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Layout
from tests.some import some
from tests.unit.data.sample_files import COLOUR, GRAY, picture


class TestFolders:
    def test_class_folders_give_labels_in_sorted_order(self, tmp_path: Path) -> None:
        for name, shade in (("cat", 255), ("ant", 0)):
            for number in (2, 1):
                picture(tmp_path / name / f"{number}.png", "L", color=shade)
        samples, names = load_samples(tmp_path, GRAY, 2)
        assert some(samples.labels).tolist() == [0, 0, 1, 1]
        assert samples.images.mean(axis=(1, 2, 3)).tolist() == [0, 0, 1, 1]
        assert names == ("ant", "cat")

    def test_whole_numbers_are_class_indexes(self, tmp_path: Path) -> None:
        for name in ("10", "2"):
            picture(tmp_path / name / "a.png")
        samples, names = load_samples(tmp_path, COLOUR, 11)
        assert some(samples.labels).tolist() == [10, 2]
        assert names is None

    def test_labels_txt_gives_the_order(self, tmp_path: Path) -> None:
        for name in ("cat", "ant"):
            picture(tmp_path / name / "a.png")
        (tmp_path / "labels.txt").write_text("dog\ncat\nant\n")
        samples, names = load_samples(tmp_path, COLOUR, 3)
        assert some(samples.labels).tolist() == [2, 1]
        assert names == ("dog", "cat", "ant")

    @pytest.mark.parametrize("header", ["", "filename,label\n"])
    def test_labels_csv_gives_labels(self, tmp_path: Path, header: str) -> None:
        for name in ("a", "b", "unlisted"):
            picture(tmp_path / "images" / f"{name}.png")
        (tmp_path / "labels.csv").write_text(f"{header}images/b.png,1\nimages/a.png,0\n")
        samples, _ = load_samples(tmp_path, COLOUR, 2)
        assert some(samples.labels).tolist() == [0, 1]

    def test_pictures_alone_are_unlabeled(self, tmp_path: Path) -> None:
        picture(tmp_path / "b.png", color="white")
        picture(tmp_path / "a.jpeg", color="black")
        (tmp_path / "notes.txt").write_text("not a picture")
        samples, _ = load_samples(tmp_path, COLOUR, 2)
        assert samples.labels is None
        assert samples.images.mean(axis=(1, 2, 3)).round(2).tolist() == [0, 1]

    def test_pictures_are_resized(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.png", size=(33, 7), color=(255, 0, 51))
        samples, _ = load_samples(tmp_path, COLOUR, 2)
        assert samples.images.shape == (1, 3, 8, 10)
        assert np.allclose(samples.images[0].mean(axis=(1, 2)), [1, 0, 0.2])

    @pytest.mark.parametrize(
        ("mode", "color", "expected"),
        [("RGBA", (255, 0, 0, 0), [1, 0, 0]), ("L", 51, [0.2] * 3), ("1", 1, [1] * 3), ("I;16", 0x3333, [0.2] * 3)],
    )
    def test_modes_become_color_and_alpha_is_dropped(
        self, tmp_path: Path, mode: str, color: Any, expected: list[float]
    ) -> None:
        picture(tmp_path / "a.png", mode, color=color)
        samples, _ = load_samples(tmp_path, COLOUR, 2)
        assert np.allclose(samples.images[0].mean(axis=(1, 2)), expected)

    def test_color_becomes_gray(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.png", color=(255, 0, 0))
        assert load_samples(tmp_path, GRAY, 2)[0].images.mean() == pytest.approx(0.299, abs=0.01)

    def test_exif_orientation_is_respected(self, tmp_path: Path) -> None:
        image = Image.new("L", (8, 10))
        image.paste(255, (0, 0, 8, 3))  # bright at the top; stored so that it has to be turned clockwise
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(tmp_path / "a.png", exif=exif)
        shown = load_samples(tmp_path, GRAY, 2)[0].images[0, 0]
        assert shown[:, -3:].mean() == 1
        assert shown[:, :-3].mean() == 0


def test_four_channel_models_need_arrays(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", "RGBA")
    with pytest.raises(DataError, match="4 channels"):
        load_samples(tmp_path, InputSpec("x", Layout.NCHW, 4, 8, 10, None), 2)
