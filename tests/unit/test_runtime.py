import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from onnxaudit.errors import ModelError
from onnxaudit.intake import Model, load_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import MOST_IMAGES, Runtime
from tools.testbed.tiny_models import build, linear_classifier, linear_weights, write

PLAIN = Preprocessing()
SCALED = Preprocessing("0..255", high=255.0)


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 1, 4, 4)).astype(np.float32)


def logits_of(pixels: np.ndarray, gain: float = 1.0) -> np.ndarray:
    weights = linear_weights(16, 3)
    return gain * pixels.reshape(len(pixels), -1) @ weights["w"] + weights["b"]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write(linear_classifier(ending="y = Softmax(z)"), tmp_path))


class TestScores:
    def test_predict_gives_the_output_and_logits_what_feeds_the_softmax(self, model: Model) -> None:
        pixels = images(5)
        runtime = Runtime(model, PLAIN)
        assert np.allclose(runtime.logits(pixels), logits_of(pixels), atol=1e-5)
        exponentials = np.exp(logits_of(pixels))
        assert np.allclose(runtime.predict(pixels), exponentials / exponentials.sum(1, keepdims=True), atol=1e-5)

    def test_preprocessing_is_applied(self, model: Model) -> None:
        pixels = images(3)
        runtime = Runtime(model, PLAIN).with_preprocessing(SCALED)
        assert np.allclose(runtime.logits(pixels), logits_of(pixels, gain=255.0), rtol=1e-5)

    def test_values_of_the_model_are_in_force(self, model: Model) -> None:
        pixels = images(3)
        runtime = Runtime(model.with_values({"b": np.full(3, 7, np.float32)}), PLAIN)
        assert np.allclose(runtime.logits(pixels), logits_of(pixels) - linear_weights(16, 3)["b"] + 7, atol=1e-5)

    def test_many_images_are_run_in_chunks(self, model: Model) -> None:
        pixels = images(MOST_IMAGES + 3)
        assert np.allclose(Runtime(model, PLAIN).logits(pixels), logits_of(pixels), atol=1e-5)

    @pytest.mark.parametrize("count", [1, 4, 7])
    def test_a_fixed_batch_is_respected(self, tmp_path: Path, count: int) -> None:
        body = """
        fixed (float[4, 1, 4, 4] x) => (float[4, 3] y) { f = Reshape(x, to) y = Gemm(f, w, b) }"""
        proto = build(body, {"to": np.array([4, 16]), **linear_weights(16, 3)})
        pixels = images(count)
        runtime = Runtime(load_model(write(proto, tmp_path)), PLAIN)
        assert np.allclose(runtime.predict(pixels), logits_of(pixels), atol=1e-5)

    def test_no_images_give_no_scores(self, model: Model) -> None:
        assert Runtime(model, PLAIN).predict(images(0)).shape == (0, 3)

    def test_nan_is_an_error(self, tmp_path: Path) -> None:
        runtime = Runtime(load_model(write(linear_classifier(ending="l = Log(z) y = Sqrt(l)"), tmp_path)), PLAIN)
        with pytest.raises(ModelError, match="NaN"):
            runtime.predict(images(20))


class TestActivations:
    def test_any_tensor_can_be_seen(self, model: Model) -> None:
        pixels = images(5)
        found = Runtime(model, PLAIN).activations(pixels, ["flat", "y", "z"])
        assert list(found) == ["flat", "y", "z"]
        assert np.array_equal(found["flat"], pixels.reshape(5, 16))
        assert np.allclose(found["z"], logits_of(pixels), atol=1e-5)

    def test_an_unknown_tensor_is_named(self, model: Model) -> None:
        with pytest.raises(ModelError, match="no tensor 'hidden'"):
            Runtime(model, PLAIN).activations(images(1), ["hidden"])

    def test_a_tensor_without_a_row_an_image_is_refused(self, tmp_path: Path) -> None:
        proto = linear_classifier(ending="s = Shape(z) y = Identity(z)")
        with pytest.raises(ModelError, match="'s' has not one row an image"):
            Runtime(load_model(write(proto, tmp_path)), PLAIN).activations(images(5), ["s"])

    def test_run_takes_inputs_as_the_model_does(self, model: Model) -> None:
        pixels = images(2)
        assert np.allclose(Runtime(model, SCALED).run(pixels, ["z"])["z"], logits_of(pixels), atol=1e-5)


def test_inputs_that_onnxruntime_refuses_are_one_line(model: Model) -> None:
    with pytest.raises(ModelError, match="onnxruntime fails") as caught:
        Runtime(model, PLAIN).run(np.zeros((1, 2, 3), np.float32), ["y"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_nothing_is_printed_and_the_session_tells_the_provider(tmp_path: Path, device: str) -> None:
    path = write(linear_classifier(), tmp_path)
    script = f"""
from onnxaudit.intake import load_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
runtime = Runtime(load_model({str(path)!r}), Preprocessing(), {device!r})
assert runtime.provider in ("CPUExecutionProvider", "CUDAExecutionProvider")
assert {device!r} != "cpu" or runtime.provider == "CPUExecutionProvider"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
