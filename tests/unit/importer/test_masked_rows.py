"""Attention written out whose rows may be masked as a whole and replaced afterwards."""

import numpy as np
import pytest
import torch

from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.ops.activation import share
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import make_model
from tools.testbed.tiny_models import linear_weights

BODY = """
tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
    scores = Mul(x, sharp)
    masked = Add(scores, mask)
    p = Softmax<axis=3>(masked)
    blind = IsNaN(p)
    q = Where(blind, zero, p)
    mixed = MatMul(q, x)
    flat = Flatten(mixed)
    y = Gemm(flat, w, b)
}"""


@pytest.mark.parametrize("opset", [17, 12])
def test_rows_masked_as_a_whole_keep_values_and_give_finite_gradients(opset: int) -> None:
    mask = np.zeros((4, 4), np.float32)
    mask[1], mask[2, :2] = -np.inf, -np.inf
    weights = {"mask": mask, "sharp": np.full(1, 3, np.float32), "zero": np.zeros(1, np.float32)}
    model = make_model(BODY, weights | linear_weights(16, 3), opset)
    copied, runtime = import_model(model), Runtime(model, Preprocessing())
    assert check_parity(copied, model, runtime, seed=0, intermediates=True) < 1e-5
    x = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    theirs = runtime.run(x.detach().numpy(), ["p"])["p"]
    ours = copied.values(x, ["p"])["p"]
    assert np.isnan(theirs[:, :, 1]).all()
    np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=1e-6, equal_nan=True)
    copied(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert (x.grad != 0).all()


@pytest.mark.parametrize("axis", [1, -1])
def test_gradient_of_softmax_is_that_of_its_formula(axis: int) -> None:
    x = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: share(x, axis), (x,))
