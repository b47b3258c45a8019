"""Gradients of every differentiable case against finite differences, in float64."""

import re

import pytest
import torch
from onnx import TensorProto

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.parser import parse
from onnxaudit.importer.tensors import DTYPES
from tests.conformance.backend_suite import freeze_inputs, load_cases, to_array
from tests.conformance.scope import find_exclusion, find_reason
from tests.some import some

CASES = load_cases()
# Where finite differences are no measure, with the reason.
EXCLUSIONS = {
    r"test_(dynamic)?quantizelinear.*|test_qlinear.*": "straight through the rounding by design",
    r"test_(cast|castlike|mod)_.*": "the case's inputs or outputs hold NaN or infinity",
    r"test_attention_4d_with_past_and_present_qk_matmul_bias_.d_mask_causal": "an output holds infinity",
    r"test_bitcast_.*": "bits, not numbers",
    r"test_linear_attention_delta": "its definition casts to float32 on the way",
}


def is_differentiable(name: str) -> bool:
    """In scope, computed in float32 from a float tensor, and not the spelled-out twin of another case."""
    case = CASES[name]
    if find_reason(case) or find_exclusion(name) or name.endswith(("_expanded", "_expanded_ver18")):
        return False
    if any(re.fullmatch(pattern, name) for pattern in EXCLUSIONS):
        return False
    floats = [value for value in some(case.model).graph.input if value.type.tensor_type.elem_type == TensorProto.FLOAT]
    return bool(floats) and some(case.model).graph.input[0].name == floats[0].name


@pytest.fixture(autouse=True)
def double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DTYPES, TensorProto.FLOAT, torch.float64)


@pytest.mark.parametrize("name", [name for name in CASES if is_differentiable(name)])
def test_gradient_matches_finite_differences(name: str) -> None:
    case = CASES[name]
    arrays = some(case.data_sets)[0][0]
    graph = fold_constants(parse(freeze_inputs(some(case.model), arrays)))
    plan = make_plan(graph.steps, {**graph.constants, **graph.weights}, graph.inputs, graph.outputs)
    x = torch.from_numpy(to_array(arrays[0]).copy()).double()
    # Away from kinks: many cases put an input right on one.
    x = (x + 0.01 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()

    def compute(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(y for y in plan.run([x]) if y.is_floating_point() and y.requires_grad)

    if x.numel() and compute(x):
        assert torch.autograd.gradcheck(compute, (x,), fast_mode=True, atol=1e-4, rtol=1e-3)
