from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onnxaudit.data.samples import load_samples
from onnxaudit.data.selection import MOST_SAMPLES, MOST_VALUES, choose_samples
from onnxaudit.records import InputSpec, Layout
from tests.some import some
from tests.unit.data.sample_files import COLOUR, GRAY, archive, bytes_of, picture


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
