from collections.abc import Sequence

import numpy as np
import pytest
import torch

from onnxaudit.errors import ParityError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.parity import draw_inputs, find_lost_classes, measure_deviation
from onnxaudit.records import Layout, Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import CONV, conv_model, conv_weights, make_model


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


def test_wrong_class_that_is_no_near_tie_is_found() -> None:
    theirs = np.array([[0.0, 4.0], [4.0, 0.0], [0.0, 0.1], [0.1, 0.0]])  # spread 2
    ours = np.array([[4.0, 0.0], [4.0, 0.0], [0.1, 0.0], [0.1, 0.0]])
    assert find_lost_classes(ours, theirs, 0.2).tolist() == [0]
    assert find_lost_classes(ours, theirs, 0.01).tolist() == [0, 2]


def test_wrong_class_fails_where_the_mean_over_inputs_hides_it() -> None:
    ending = "q = QuantizeLinear(z, step, middle)\n y = DequantizeLinear(q, step, middle)"
    weights = conv_weights()
    weights["b2"] -= np.array([6.1, 4.3, 2.0], np.float32)  # no class is usual
    stored: dict[str, np.ndarray] = {"step": np.array(0.05, np.float32), "middle": np.array(128, np.uint8)}
    model = make_model(CONV.format(batch="N", ending=ending), {**weights, **stored})
    logits = model.info.output.logits

    class Swapped(Runtime):
        """One image prefers another class than it does."""

        def run(self, inputs: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
            values = super().run(inputs, names)
            scores = values[logits]
            values[logits] = scores + raised * (np.arange(len(scores)) == image)[:, None] * np.eye(3)[second]
            return values

    inputs = draw_inputs(model, Preprocessing(), 0)
    scores = Runtime(model, Preprocessing()).run(inputs, [logits])[logits]
    gaps = np.sort(scores, 1)[:, -1] - np.sort(scores, 1)[:, -2]
    image, raised = int(gaps.argmin()), 0.0
    second = int(np.where(np.arange(3) == scores[image].argmax(), -np.inf, scores[image]).argmax())
    gap = max(float(gaps.min()), 0.05)
    tolerance = gap / float(np.sqrt(scores.var(0).mean()))
    reference, copied = Swapped(model, Preprocessing()), import_model(model)
    assert check_parity(copied, model, reference, seed=0, tolerance=tolerance) < tolerance
    raised = 3.5 * gap
    with pytest.raises(ParityError, match="another class than onnxruntime for 1 of 16 inputs"):
        check_parity(copied, model, reference, seed=0, tolerance=tolerance)


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
