"""Operator versions that newer ones replaced, from opset 7 on, against onnxruntime.

The backend suite holds each operator's newest version only, and onnx's reference evaluator is wrong in places for
older ones.
"""

import numpy as np
import onnxruntime
import pytest

from onnxaudit.errors import UnsupportedOperatorError
from onnxaudit.importer.registry import find_operator
from tests.conformance.backend_suite import compute, freeze_inputs
from tests.conformance.older_forms import FORMS
from tests.conformance.older_versions import Form, list_older_versions, make_model
from tests.conformance.scope import find_older_exclusion

VERSIONS = list(list_older_versions())
CASES = {
    f"{name}-{opset}-{number}": (name, opset, form)
    for name, opset in VERSIONS
    for number, form in enumerate(FORMS.get(name, ()))
    if form.first <= opset <= form.last
}
EXPECTED = [case for case in CASES if find_older_exclusion(case) is None]


def run_reference(name: str, opset: int, form: Form) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    data = make_model(name, opset, form).SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {f"x{i}": array for i, array in enumerate(form.inputs) if array is not None})


def check(case: str) -> None:
    name, opset, form = CASES[case]
    expected = run_reference(name, opset, form)
    model = make_model(name, opset, form)
    arrays = [array for array in form.inputs if array is not None]
    feeds = {value.name: array for value, array in zip(model.graph.input, arrays, strict=True)}
    for variant in (model, freeze_inputs(model, arrays)):
        for ours, theirs in zip(compute(variant, feeds), expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", EXPECTED)
def test_version_computes_what_onnxruntime_computes(case: str) -> None:
    check(case)


def test_every_replaced_version_has_a_case() -> None:
    assert {(name, opset) for name, opset, _ in CASES.values()} == set(VERSIONS)


def test_every_replaced_version_is_registered_unless_excluded() -> None:
    missing = [f"{name}-{opset}-0" for name, opset in VERSIONS if not find_operator("", name, opset)]
    assert all(find_older_exclusion(case) for case in missing)


@pytest.mark.parametrize("case", sorted(set(CASES) - set(EXPECTED)))
def test_every_exclusion_still_applies(case: str) -> None:
    with pytest.raises((AssertionError, UnsupportedOperatorError)):
        check(case)
