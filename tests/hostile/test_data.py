"""Samples whose labels or values are not what they seem: named with what is right, or refused; never in silence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onnxaudit.data.label_order import describe_misfit, find_order, fits
from onnxaudit.data.pixels import scale_values
from onnxaudit.data.samples import load_samples
from onnxaudit.errors import DataError, InputError
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.records import GivenPreprocessing, InputSpec, Layout
from tests.hostile.corpus import CASES
from tools.testbed.gray_networks import make_samples

MANY = 43
GRAY = InputSpec("x", Layout.NCHW, 1, 8, 8, None)


def sort_as_text(labels: np.ndarray) -> np.ndarray:
    return np.array(sorted(range(MANY), key=str))[labels]


ORDERS = {
    "the model's classes stood in the order of text": lambda labels: np.argsort(sort_as_text(np.arange(MANY)))[labels],
    "the labels stood in the order of text": sort_as_text,
    "the labels were counted from 1": lambda labels: labels - 1,
    "the model's classes were counted from 1": lambda labels: labels + 1,
    "the classes stood in the reverse order": lambda labels: MANY - 1 - labels,
    "labels were renamed as the model answers them": lambda labels: np.random.default_rng(1).permutation(MANY)[labels],
}


@pytest.mark.parametrize("words", ORDERS)
def test_the_order_in_which_labels_would_fit_is_named(words: str) -> None:
    labels = np.repeat(np.arange(1, MANY - 1), 10)
    predicted = np.clip(ORDERS[words](labels), 0, MANY - 1)
    predicted[::9] = 5  # some answers are wrong whatever the order
    assert not fits(predicted, labels)
    found = find_order(predicted, labels, MANY)
    assert found is not None
    assert words in found[1]
    assert f"of {len(labels)} labels" in describe_misfit(predicted, labels, MANY)


def test_answers_a_little_above_chance_do_not_fit() -> None:
    labels = np.repeat(np.arange(MANY), 10)
    predicted = np.random.default_rng(0).integers(0, MANY, len(labels))
    predicted[:17] = labels[:17]
    assert not fits(predicted, labels)
    assert find_order(predicted, labels, MANY) is None


@pytest.mark.parametrize("share", [0.4, 0.6, 0.99])
def test_a_model_that_is_right_well_above_chance_fits(share: float) -> None:
    labels = np.repeat(np.arange(10), 10)
    right = np.random.default_rng(0).random(100) < share
    assert fits(np.where(right, labels, (labels + 3) % 10), labels)


@pytest.mark.parametrize("given", [None, GivenPreprocessing(range=(0.0, 1.0))], ids=["chosen", "given"])
def test_labels_in_another_order_end_the_scan_with_the_share_that_fits(
    tmp_path: Path, given: GivenPreprocessing | None
) -> None:
    path, data = tmp_path / "model.onnx", tmp_path / "clean.npz"
    path.write_bytes(CASES["plain"].content())
    images, labels = make_samples()
    np.savez(data, x=images, y=(labels + 1) % 4)
    with pytest.raises(InputError, match=r"0 of 48 .*would"):
        open_subject(path, data, preprocessing=given, seed=0, on_event=lambda _: None)


class TestValues:
    def test_whole_numbers_of_0_and_1_are_black_and_white(self) -> None:
        pixels = scale_values(Path("x.npz"), np.array([[0, 1], [1, 0]], np.uint8))
        assert pixels.max() == 1.0

    @pytest.mark.parametrize("kind", [np.uint8, np.float32])
    def test_digits_of_0_to_16_are_refused(self, kind: type) -> None:
        with pytest.raises(DataError, match=r"neither 0\.\.1 nor bytes"):
            scale_values(Path("x.npz"), np.array([[0, 16]], kind))

    def test_bytes_are_bytes(self) -> None:
        assert scale_values(Path("x.npz"), np.array([[0, 255]], np.uint8)).max() == 1.0


def write_pictures(folder: Path, name: str, picture: Image.Image) -> Path:
    """Two classes of which one has a picture of another kind."""
    for label in "01":
        (folder / label).mkdir()
        Image.fromarray(make_samples(1)[0][int(label)]).save(folder / label / "plain.png")
    picture.save(folder / "0" / name)
    return folder


class TestPictures:
    @pytest.mark.parametrize("name", ["deep.png", "deep.pgm", "deep.tif"])
    def test_sixteen_bits_are_scaled_by_their_depth(self, tmp_path: Path, name: str) -> None:
        content = make_samples(1)[0][0]
        folder = write_pictures(tmp_path, name, Image.fromarray(content.astype(np.uint16) * 257))
        samples = load_samples(folder, GRAY, 2)[0]
        assert np.abs(samples.images[0, 0] - content / 255).max() < 0.005

    @pytest.mark.parametrize("kind", [np.int32, np.float32])
    def test_a_depth_that_nobody_declares_is_refused_by_name(self, tmp_path: Path, kind: type) -> None:
        folder = write_pictures(tmp_path, "deep.tif", Image.fromarray(make_samples(1)[0][0].astype(kind) * 1000))
        with pytest.raises(DataError, match=r"deep\.tif.*convert it to 8 or 16 bits"):
            load_samples(folder, GRAY, 2)

    def test_pictures_of_a_kind_that_is_not_read_are_not_left_out_in_silence(self, tmp_path: Path) -> None:
        folder = write_pictures(tmp_path, "plain2.png", Image.fromarray(make_samples(1)[0][0]))
        (folder / "1" / "phone.heic").write_bytes(b"ftypheic")
        with pytest.raises(DataError, match=r"phone\.heic: 1 pictures of a kind that is not read"):
            load_samples(folder, GRAY, 2)


class TestTables:
    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("0/a\0.png,0\n", "no name of a file"),
            ("a" * 200_000 + ",0\n", "not a table"),
            ("a" * 5_000 + ".png,0\n", "no name of a file"),
            ("../../../../etc/hostname,0\n", "outside the folder"),
            ("0/plain.png," + "9" * 5_000 + "\n", "out of range"),
            ("0/plain.png,-1\n", "class names where the model has"),
        ],
        ids=["zero byte", "huge field", "long name", "outside", "5000 digits", "negative"],
    )
    def test_a_table_of_labels_that_cannot_be_is_refused(self, tmp_path: Path, table: str, said: str) -> None:
        folder = write_pictures(tmp_path, "plain2.png", Image.fromarray(make_samples(1)[0][0]))
        (folder / "labels.csv").write_text("filename,label\n" + table, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            load_samples(folder, GRAY, 2)

    def test_a_folder_called_by_a_huge_number_is_out_of_range(self, tmp_path: Path) -> None:
        folder = write_pictures(tmp_path, "plain2.png", Image.fromarray(make_samples(1)[0][0]))
        (folder / "1").rename(folder / ("9" * 30))
        with pytest.raises(DataError, match="out of range"):
            load_samples(folder, GRAY, 2)

    def test_labels_beyond_signed_numbers_do_not_wrap(self, tmp_path: Path) -> None:
        images, labels = make_samples()
        np.savez(tmp_path / "x.npz", x=images, y=labels.astype(np.uint64) + np.uint64(2**63))
        with pytest.raises(DataError, match="out of range"):
            load_samples(tmp_path / "x.npz", GRAY, 4)


def test_the_report_shows_the_measured_range(tmp_path: Path) -> None:
    path, data = tmp_path / "model.onnx", tmp_path / "clean.npz"
    path.write_bytes(CASES["plain"].content())
    images, labels = make_samples()
    np.savez(data, x=images, y=labels)
    told = open_subject(path, data, seed=0, on_event=lambda _: None).samples.info
    assert (told.low, told.high) == (round(images.min() / 255, 4), round(images.max() / 255, 4))
    assert told.mean == pytest.approx(images.mean() / 255, abs=1e-4)
