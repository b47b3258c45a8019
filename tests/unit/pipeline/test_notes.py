"""What a report says beside its verdict: how the file was run, and which weights could not be stored."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.intake import load_model
from onnxaudit.pipeline import scan
from onnxaudit.pipeline.changes import describe_saturation
from tests.unit.importer.networks import make_model as make_tiny
from tests.unit.pipeline.conftest import BRIEF_SCAN, UNIT
from tools.testbed.tiny_models import write


def test_the_report_says_that_a_bfloat16_file_was_scanned_as_its_upcast(
    make_model: Callable[..., Path], data: Path, tmp_path: Path
) -> None:
    proto = onnx.load(make_model())
    for tensor in proto.graph.initializer:
        narrow = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16))
        tensor.CopyFrom(numpy_helper.from_array(narrow, tensor.name))
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.elem_type = TensorProto.BFLOAT16
    report = scan(write(proto, tmp_path, "narrow.onnx"), data, BRIEF_SCAN, preprocessing=UNIT)
    (note,) = report.notes
    assert "float32 upcast" in note


def test_a_float32_file_needs_no_note(make_model: Callable[..., Path], data: Path) -> None:
    assert not scan(make_model(), data, BRIEF_SCAN, preprocessing=UNIT).notes


def test_quantized_weights_moved_to_the_end_of_their_range_are_counted() -> None:
    model = make_tiny(
        """g (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            w = DequantizeLinear(codes, scale)
            y = MatMul(f, w)
        }""",
        {"codes": np.array([[127, 2], [3, 4]], np.int8), "scale": np.array(0.5, np.float32)},
    )
    beyond = model.with_values({"w": np.array([[90, 90], [-90, 1]], np.float32)})
    (sentence,) = describe_saturation(model, beyond)
    assert sentence.startswith("2 entries")
    assert not describe_saturation(model, model.with_values({"w": np.ones((2, 2), np.float32)}))


def test_weights_stored_as_floats_are_never_clipped(make_model: Callable[..., Path]) -> None:
    model = load_model(make_model())
    assert not describe_saturation(model, model.with_values({"w1": model.initializer("w1") * 1000}))
