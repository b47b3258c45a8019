import numpy as np
import pytest
import torch

from onnxaudit.data.preprocessing import common_preprocessings, given_preprocessing, preprocess
from onnxaudit.errors import UsageError
from onnxaudit.records import ChannelOrder, Layout, Preprocessing
from tests.some import some

COMMON = {candidate.name: candidate for candidate in common_preprocessings(3)}


def pixels(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((2, channels, 4, 5)).astype(np.float32)


class TestPreprocess:
    def test_plain_pixels_pass_unchanged(self) -> None:
        assert np.array_equal(preprocess(pixels(), COMMON["0..1"], Layout.NCHW), pixels())

    def test_range(self) -> None:
        assert np.allclose(preprocess(pixels(), COMMON["-1..1"], Layout.NCHW), pixels() * 2 - 1)

    def test_mean_and_deviation_by_channel(self) -> None:
        found = preprocess(pixels(), COMMON["ImageNet"], Layout.NCHW)
        assert np.allclose(found[:, 2], (pixels()[:, 2] - 0.406) / 0.225, atol=1e-6)

    def test_mean_belongs_to_the_channels_as_the_model_sees_them(self) -> None:
        found = preprocess(pixels(), COMMON["Caffe"], Layout.NCHW)
        assert np.allclose(found[:, 0], 255 * pixels()[:, 2] - 103.939, atol=1e-4)
        assert np.allclose(found[:, 2], 255 * pixels()[:, 0] - 123.68, atol=1e-4)

    def test_channels_last(self) -> None:
        assert np.array_equal(preprocess(pixels(), COMMON["0..1"], Layout.NHWC), pixels().transpose(0, 2, 3, 1))

    @pytest.mark.parametrize("layout", list(Layout))
    @pytest.mark.parametrize("name", list(COMMON))
    def test_torch_and_numpy_agree_and_keep_float32(self, name: str, layout: Layout) -> None:
        array = preprocess(pixels(), COMMON[name], layout)
        tensor = preprocess(torch.from_numpy(pixels()), COMMON[name], layout)
        assert array.dtype == np.float32
        assert tensor.dtype == torch.float32
        assert np.allclose(array, tensor.numpy(), atol=1e-4)

    def test_gradients_flow(self) -> None:
        start = torch.from_numpy(pixels()).requires_grad_()
        preprocess(start, COMMON["Caffe"], Layout.NHWC).sum().backward()
        assert torch.all(some(start.grad) == 255)

    def test_gray_has_no_color_candidates(self) -> None:
        assert [candidate.name for candidate in common_preprocessings(1)] == ["0..1", "0..255", "-1..1", "MNIST"]


class TestGiven:
    def test_range_alone(self) -> None:
        assert given_preprocessing((0, 255), None, None, None, 3) == COMMON["0..255"]

    def test_mean_and_deviation_mean_the_range_zero_to_one(self) -> None:
        given = given_preprocessing(None, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ChannelOrder.RGB, 3)
        assert given == COMMON["ImageNet"]

    def test_what_is_not_common_is_called_given(self) -> None:
        given = given_preprocessing((0, 2), (0.5,), None, ChannelOrder.BGR, 3)
        assert given == Preprocessing("given", 0, 2, (0.5,), (1.0,), ChannelOrder.BGR)

    @pytest.mark.parametrize(
        ("bounds", "mean", "std", "order", "channels", "said"),
        [
            ((1.0, 0.0), None, None, None, 3, "--range 1,0"),
            ((0.0, float("nan")), None, None, None, 3, "--range"),
            (None, (0.1, 0.2), None, None, 3, "--mean"),
            (None, (120.0,), None, None, 3, "--range 0,255"),
            ((0.0, 1.0), None, (1.0, 0.0, 1.0), None, 3, "--std"),
            ((0.0, 1.0), None, (1.0, 1.0, 1.0), None, 1, "--std"),
            ((0.0, 1.0), None, None, ChannelOrder.BGR, 1, "--channel-order"),
            (None, None, None, ChannelOrder.BGR, 3, "--range"),
        ],
    )
    def test_contradictions_are_refused(
        self,
        bounds: tuple[float, float] | None,
        mean: tuple[float, ...] | None,
        std: tuple[float, ...] | None,
        order: ChannelOrder | None,
        channels: int,
        said: str,
    ) -> None:
        with pytest.raises(UsageError, match=said):
            given_preprocessing(bounds, mean, std, order, channels)
