import numpy as np
import pytest
import torch

from onnxaudit.errors import ParityError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.parity import draw_inputs, measure_deviation
from onnxaudit.records import Layout, Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import conv_model, make_model


def test_faithful_copy_passes_with_a_tiny_deviation() -> None:
    model = conv_model()
    assert check_parity(import_model(model), model, Runtime(model, Preprocessing()), seed=0) < 1e-5


def test_first_differing_tensor_is_named() -> None:
    model = conv_model()
    copied = import_model(model)
    with torch.no_grad():
        copied.weights["shift"].add_(0.5)
    with pytest.raises(ParityError, match=r"first tensor that differs is 'n' \(operator BatchNormalization"):
        check_parity(copied, model, Runtime(model, Preprocessing()), seed=0)


SCALED = """
tiny (float[N, 16] x) => (float[N, 3] y) {
    z = Gemm(x, w1)
    h = Relu(z)
    y = Gemm(h, w2)
}"""


def test_intermediates_that_cancel_out_are_compared_on_request() -> None:
    draw = np.random.default_rng(0).standard_normal
    model = make_model(SCALED, {"w1": draw((16, 8)).astype(np.float32), "w2": draw((8, 3)).astype(np.float32)})
    copied, runtime = import_model(model), Runtime(model, Preprocessing())
    check_parity(copied, model, runtime, seed=0, intermediates=True)
    with torch.no_grad():
        copied.weights["w1"].mul_(2)
        copied.weights["w2"].div_(2)
    assert check_parity(copied, model, runtime, seed=0) < 1e-5
    with pytest.raises(
        ParityError, match=r"the logits agree, but the first tensor that differs is 'z' \(operator Gemm"
    ):
        check_parity(copied, model, runtime, seed=0, intermediates=True)


def test_fixed_batch_is_compared_too() -> None:
    model = conv_model(batch="1")
    copied = import_model(model)
    assert check_parity(copied, model, Runtime(model, Preprocessing()), seed=0) < 1e-5
    with torch.no_grad():
        copied.weights["w2"].mul_(1.01)
    with pytest.raises(ParityError, match="'z'"):
        check_parity(copied, model, Runtime(model, Preprocessing()), seed=0)


def test_deviation_is_relative_to_the_spread_not_the_size() -> None:
    theirs = np.array([[1000.0], [1001.0]])
    assert measure_deviation(np.full((2, 1), 1000.5), theirs) == pytest.approx(1.0)


@pytest.mark.parametrize("ours", [np.full((2, 1), np.nan), np.zeros((1, 2)), np.ones((2, 1))])
def test_deviation_that_means_nothing_is_infinite(ours: np.ndarray) -> None:
    assert measure_deviation(ours, np.zeros((2, 1))) == np.inf


def test_equal_constants_do_not_deviate() -> None:
    assert measure_deviation(np.ones((2, 1)), np.ones((2, 1))) == 0.0


def test_inputs_are_reproducible_and_fit_layout_range_and_batch() -> None:
    model = conv_model(batch="3")
    preprocessing = Preprocessing(high=255.0)
    inputs = draw_inputs(model, preprocessing, seed=4)
    assert model.info.input.layout is Layout.NCHW
    assert inputs.shape[0] % 3 == 0
    assert inputs.shape[1:] == (1, 6, 6)
    assert inputs.min() == 0
    assert inputs.max() == 255
    np.testing.assert_array_equal(inputs, draw_inputs(model, preprocessing, seed=4))
    assert not np.array_equal(inputs, draw_inputs(model, preprocessing, seed=5))
