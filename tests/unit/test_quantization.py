"""Copies in 8-bit integers as onnxruntime's quantizer makes them."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxaudit.errors import ModelError
from onnxaudit.intake import Model, load_model
from onnxaudit.quantization import quantize
from onnxaudit.records import Preprocessing, QuantizationKind
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import wrap
from tests.unit.importer.quantized_networks import Float, make_float
from tools.testbed.tiny_models import build


@pytest.fixture(scope="module")
def original() -> Float:
    return make_float()


def open_copy(made: bytes, folder: Path) -> Model:
    path = folder / "copy.onnx"
    path.write_bytes(made)
    return load_model(path)


@pytest.mark.parametrize("kind", QuantizationKind)
def test_a_copy_classifies_as_the_float_model_does(
    kind: QuantizationKind, original: Float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = open_copy(quantize(original.model, kind, [original.images[:64]]), tmp_path)
    used = {node.op_type for node in copy.proto.graph.node}
    assert used & ({"QuantizeLinear"} if kind is QuantizationKind.STATIC else {"ConvInteger", "MatMulInteger"})
    theirs = Runtime(original.model, Preprocessing()).logits(original.images).argmax(axis=1)
    ours = Runtime(copy, Preprocessing()).logits(original.images).argmax(axis=1)
    assert (ours == theirs).mean() > 0.95
    assert capfd.readouterr() == ("", "")


def test_the_same_file_is_made_again(original: Float) -> None:
    images = [original.images[:32]]
    first, second = (quantize(original.model, QuantizationKind.STATIC, images) for _ in range(2))
    assert first == second


def test_a_quantized_file_is_refused(original: Float, tmp_path: Path) -> None:
    copy = open_copy(quantize(original.model, QuantizationKind.DYNAMIC), tmp_path)
    with pytest.raises(ModelError, match="quantized operators already"):
        quantize(copy, QuantizationKind.DYNAMIC)


def test_static_quantization_without_images_is_refused(original: Float) -> None:
    with pytest.raises(ModelError, match="no image to calibrate"):
        quantize(original.model, QuantizationKind.STATIC)


def test_a_model_of_which_nothing_can_be_quantized_is_refused() -> None:
    body = "g (float[N, 3] x) => (float[N, 3] y) { y = Mul (x, w) }"
    model = wrap(build(body, {"w": np.ones(3, np.float32)}))
    with pytest.raises(ModelError, match="nothing in it to quantize"):
        quantize(model, QuantizationKind.DYNAMIC)


def test_the_model_that_was_given_is_left_as_it_is(original: Float) -> None:
    before = original.model.proto.SerializeToString()
    quantize(original.model, QuantizationKind.STATIC, [original.images[:8]])
    assert original.model.proto.SerializeToString() == before
    onnx.checker.check_model(original.model.proto)
