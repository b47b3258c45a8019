import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from onnxaudit.data.samples import load_samples
from onnxaudit.data.selection import MOST_SAMPLES, MOST_VALUES, choose_samples
from onnxaudit.errors import DataError
from onnxaudit.records import InputSpec, Layout
from tests.some import some

GRAY = InputSpec("x", Layout.NCHW, 1, 8, 10, None)
COLOUR = InputSpec("x", Layout.NHWC, 3, 8, 10, None)


def archive(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def bytes_of(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class TestArchives:
    @given(
        channels=st.sampled_from([1, 3, 4]),
        layout=st.sampled_from(["nhwc", "nchw"]),
        scale=st.sampled_from(["uint8", "int64", "0..1", "0..255"]),
        spec=st.sampled_from([GRAY, COLOUR]),
    )
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_layouts_and_ranges_mean_the_same_pixels(
        self, tmp_path: Path, channels: int, layout: str, scale: str, spec: InputSpec
    ) -> None:
        original = bytes_of((3, channels, 8, 10))
        stored = original if layout == "nchw" else original.transpose(0, 2, 3, 1)
        if scale.startswith("0.."):
            stored = stored.astype(np.float32) / (255 if scale == "0..1" else 1)
        else:
            stored = stored.astype(scale)
        samples, _ = load_samples(archive(tmp_path, x=stored), spec, 5)
        assert samples.images.shape == (3, spec.channels, 8, 10)
        assert samples.images.dtype == np.float32
        color = original[:, :3].astype(np.float32) / 255
        if spec is GRAY and channels > 1:
            expected = np.einsum("nchw,c->nhw", color, [0.299, 0.587, 0.114])[:, None]
        else:
            expected = np.broadcast_to(color, samples.images.shape)
        assert np.allclose(samples.images, expected, atol=1e-5)

    def test_gray_without_a_channel_axis(self, tmp_path: Path) -> None:
        samples, _ = load_samples(archive(tmp_path, x=bytes_of((4, 8, 10))), GRAY, 5)
        assert np.allclose(samples.images[:, 0], bytes_of((4, 8, 10)) / 255)
        assert samples.labels is None

    @pytest.mark.parametrize("layout", list(Layout))
    def test_an_image_as_wide_as_its_channels_follows_the_model(self, tmp_path: Path, layout: Layout) -> None:
        spec = InputSpec("x", layout, 3, 3, 3, None)
        stored = bytes_of((2, 3, 3, 3))
        expected = stored if layout is Layout.NCHW else stored.transpose(0, 3, 1, 2)
        samples, _ = load_samples(archive(tmp_path, x=stored), spec, 5)
        assert np.allclose(samples.images, expected / 255)

    def test_values_a_rounding_error_outside_are_clipped(self, tmp_path: Path) -> None:
        stored = np.linspace(-1e-6, 1 + 1e-6, 160, dtype=np.float32).reshape(2, 8, 10)
        samples, _ = load_samples(archive(tmp_path, x=stored), GRAY, 5)
        assert (samples.images.min(), samples.images.max()) == (0, 1)

    def test_labels_and_class_names(self, tmp_path: Path) -> None:
        path = archive(
            tmp_path, x=bytes_of((3, 8, 10)), y=np.array([[2], [0], [1]]), class_names=np.array(["a", "b", "c"])
        )
        samples, names = load_samples(path, GRAY, 3)
        assert some(samples.labels).dtype == np.int64
        assert some(samples.labels).tolist() == [2, 0, 1]
        assert names == ("a", "b", "c")
        assert load_samples(path, GRAY, 4)[1] is None

    def test_other_arrays_can_be_named(self, tmp_path: Path) -> None:
        path = archive(tmp_path, x_test=bytes_of((2, 8, 10)), y_test=np.array([0, 1]), y=np.array([9, 9]))
        samples, _ = load_samples(f"{path}:x_test,y_test", GRAY, 2)
        assert some(samples.labels).tolist() == [0, 1]
        assert samples.source == f"{path}:x_test,y_test"
        assert load_samples(f"{path}:x_test", GRAY, 2)[0].labels is None


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (10, 8), color: Any = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path, **options)
    return path


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


def test_four_channel_models_need_arrays(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", "RGBA")
    with pytest.raises(DataError, match="4 channels"):
        load_samples(tmp_path, InputSpec("x", Layout.NCHW, 4, 8, 10, None), 2)


class TestLargeSets:
    """Of many samples some are read, evenly over the classes, chosen before any is decoded."""

    def test_small_classes_keep_what_they_have(self) -> None:
        labels = np.repeat([0, 1, 2], [5, 40_000, 20_000])
        rows = choose_samples(len(labels), 64, labels)
        counts = np.bincount(labels[rows])
        assert counts[0] == 5
        assert len(rows) == MOST_SAMPLES
        assert abs(counts[1] - counts[2]) <= 1
        assert (np.diff(rows) > 0).all()

    def test_large_images_are_fewer(self) -> None:
        assert len(choose_samples(50_000, 3 * 512 * 512, None)) == MOST_VALUES // (3 * 512 * 512)

    def test_an_archive_is_read_row_by_row(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("onnxaudit.data.selection.MOST_SAMPLES", 10)
        monkeypatch.setattr("onnxaudit.data.selection.FEWEST", 10)
        images = np.random.default_rng(0).integers(0, 256, (40, 8, 10), dtype=np.uint8)
        samples = load_samples(archive(tmp_path, x=images, y=np.arange(40) % 2), GRAY, 2)[0]
        assert samples.total == 40
        assert samples.labels is not None
        assert np.bincount(samples.labels).tolist() == [5, 5]
        rows = choose_samples(40, 80, np.arange(40) % 2)
        assert np.array_equal(samples.images[:, 0] * 255, images[rows])

    def test_of_a_folder_only_the_chosen_pictures_are_decoded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("onnxaudit.data.selection.MOST_SAMPLES", 4)
        monkeypatch.setattr("onnxaudit.data.selection.FEWEST", 4)
        for place in range(20):
            (tmp_path / str(place % 2)).mkdir(exist_ok=True)
            picture(tmp_path / str(place % 2) / f"{place:02}.png", "L")
        (tmp_path / "0" / "04.png").write_bytes(b"damaged, and passed over")
        samples = load_samples(tmp_path, GRAY, 2)[0]
        assert (len(samples), samples.total) == (4, 20)
