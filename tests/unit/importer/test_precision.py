"""float16 and bfloat16 files, with inputs and outputs of their own type or float32."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.importer import check_parity, import_model, write_back
from onnxaudit.intake import load_model, save_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.quantized_networks import Float, make_float

KINDS = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}


@pytest.fixture(scope="module")
def original() -> Float:
    return make_float()


def narrow(proto: onnx.ModelProto, element: int, *, float_io: bool) -> onnx.ModelProto:
    """The model in a narrower type, perhaps behind casts that keep its input and output in float32."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    for tensor in made.graph.initializer:
        array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(element))
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    if not float_io:
        for value in (*made.graph.input, *made.graph.output):
            value.type.tensor_type.elem_type = element
        return made
    for node in made.graph.node:
        node.input[:] = ["narrow" if name == "x" else name for name in node.input]
        node.output[:] = ["wide" if name == "y" else name for name in node.output]
    made.graph.node.insert(0, helper.make_node("Cast", ["x"], ["narrow"], to=element))
    made.graph.node.append(helper.make_node("Cast", ["wide"], ["y"], to=TensorProto.FLOAT))
    return made


@pytest.mark.parametrize("float_io", [True, False], ids=["float-io", "own-io"])
@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_file_is_what_onnxruntime_computes(
    kind: str, float_io: bool, original: Float, tmp_path: Path
) -> None:
    path = tmp_path / "half.onnx"
    onnx.save(narrow(original.model.proto, KINDS[kind], float_io=float_io), path)
    model = load_model(path)
    copied, runtime = import_model(model), Runtime(model, Preprocessing())
    assert check_parity(copied, model, runtime, seed=0) < 0.01
    floats = Runtime(original.model, Preprocessing()).logits(original.images)
    agreement = (runtime.logits(original.images).argmax(axis=1) == floats.argmax(axis=1)).mean()
    assert agreement > 0.95
    x = torch.from_numpy(original.images[:8]).requires_grad_()
    copied(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.abs().max() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_a_half_precision_file_are_written_in_its_own_type(
    kind: str, original: Float, tmp_path: Path
) -> None:
    path = tmp_path / "half.onnx"
    onnx.save(narrow(original.model.proto, KINDS[kind], float_io=True), path)
    model = load_model(path)
    copied = import_model(model)
    assert not write_back(model, copied).values
    with torch.no_grad():
        copied.weights["w4"].mul_(2.0)
    save_model(write_back(model, copied), tmp_path / "written.onnx")
    written = load_model(tmp_path / "written.onnx")
    stored = next(tensor for tensor in written.proto.graph.initializer if tensor.name == "w4")
    assert stored.data_type == KINDS[kind]
    np.testing.assert_array_equal(written.initializer("w4"), 2 * model.initializer("w4"))
    assert torch.equal(import_model(written).weights["w4"], copied.weights["w4"])
