"""The ONNX backend node suite, as the `onnx` package ships it, run on the importer's operators."""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.parser import parse
from onnxaudit.importer.tensors import DTYPES, from_array
from tests.some import some

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
# The copy computes in float32 what the suite computes, and rounds, in the file's own precision.
PRECISION: dict[int, float] = {TensorProto.FLOAT16: 2e-3, TensorProto.BFLOAT16: 1.6e-2}


@cache
def load_cases() -> dict[str, TestCase]:
    """Every node case by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite's own arithmetic overflows on purpose
        return {case.name: case for case in load_model_tests(kind="node")}


def read_types(model: onnx.ModelProto) -> list[int]:
    """Element types of all inputs and outputs; 0 for sequences and optional values."""
    return [value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)]


def to_array(value: Any) -> Any:
    """What a case holds as a plain array."""
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def freeze_inputs(model: onnx.ModelProto, arrays: Sequence[Any]) -> onnx.ModelProto:
    """The model with every input stored in it, except the first float tensor, as in a real classifier."""
    frozen = onnx.ModelProto()
    frozen.CopyFrom(model)
    del frozen.graph.input[:]
    for value, array in zip(model.graph.input, arrays, strict=True):
        if value.type.tensor_type.elem_type in FLOATS and not frozen.graph.input:
            frozen.graph.input.append(value)
        else:
            frozen.graph.initializer.append(numpy_helper.from_array(to_array(array), value.name))
    return frozen


def compute(model: onnx.ModelProto, feeds: dict[str, Any]) -> list[torch.Tensor]:
    """Outputs of the model's copy."""
    graph = fold_constants(parse(model))
    types = {value.name: DTYPES[value.type.tensor_type.elem_type] for value in model.graph.input}
    tensors = [from_array(to_array(feeds[name]), types[name]) for name in graph.inputs]
    stored = {**graph.constants, **graph.weights}
    plan = make_plan(graph.steps, stored, graph.inputs, graph.outputs, fixed=graph.constants)
    plan.run(tensors)  # a second run takes what the shapes settle from the first
    return plan.run(tensors)


def check_case(case: TestCase, *, frozen: bool) -> None:
    """Assert that the case's outputs come out, with its own tolerance."""
    precision = max(PRECISION.get(element, 1e-6) for element in read_types(some(case.model)))
    for inputs, expected in some(case.data_sets):
        feeds = {value.name: array for value, array in zip(some(case.model).graph.input, inputs, strict=True)}
        model = freeze_inputs(some(case.model), inputs) if frozen else some(case.model)
        for ours, theirs in zip(compute(model, feeds), map(to_array, expected), strict=True):
            assert tuple(ours.shape) == theirs.shape
            np.testing.assert_allclose(
                ours.detach().numpy().astype(np.float64),
                theirs.astype(np.float64),
                rtol=max(case.rtol, precision),
                atol=max(case.atol, precision),
            )
