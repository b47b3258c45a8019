from pathlib import Path

import numpy as np
import pytest
import torch

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.exact_shift import ExactShift, solve
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.records import Preprocessing, Samples
from onnxaudit.surgery import find_head
from tools.testbed.tiny_models import build, write

BODY = """tiny (float[N, 1, 2, 2] x) => (float[N, 3] y) {
    flat = Flatten(x)
    h = Relu(flat)
    z = MatMul(h, w)
    y = Add(z, b)
}"""
SQUARED = BODY.replace("y = Add(z, b)", "s = Add(z, b)\n    y = Mul(s, s)")
ROUNDED = BODY.replace(
    "y = Add(z, b)", "s = Add(z, b)\n    q = QuantizeLinear(s, step)\n    y = DequantizeLinear(q, step)"
)
WEIGHTS = {
    "w": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0]], np.float32),
    "b": np.array([0.0, 0.1, 0.2], np.float32),
    "step": np.array(0.02, np.float32),
    "coarse": np.array(0.3, np.float32),
}


def open_context(folder: Path, body: str, head: str | None) -> Context:
    model = load_model(write(build(body, WEIGHTS), folder))
    images = np.random.default_rng(0).random((12, 1, 2, 2), dtype=np.float32)
    half = [Samples(part, np.arange(6) % 3, "drawn") for part in (images[:6], images[6:])]
    return Context(
        classifier=Classifier(import_model(model), Preprocessing()),
        known=half[0],
        unseen=half[1],
        head=head,
        classes=3,
        seed=0,
    )


def test_two_constraints_at_right_angles_give_the_hypotenuse() -> None:
    # Label 0 has to gain 3 on label 1 along one axis and 4 on label 2 along the other.
    weights = torch.tensor([[0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.double)
    logits = torch.tensor([[0.0, 3.0, 4.0]], dtype=torch.double)
    assert solve(weights, logits, share=1.0, iterations=300)[0].item() == pytest.approx(5.0, rel=1e-6)


def test_a_constraint_that_another_implies_costs_nothing() -> None:
    weights = torch.tensor([[0.0], [-1.0], [-2.0]], dtype=torch.double)
    logits = torch.tensor([[0.0, 3.0, 4.0]], dtype=torch.double)
    assert solve(weights, logits, share=1.0, iterations=300)[0].item() == pytest.approx(3.0, rel=1e-6)


def test_a_label_that_all_samples_have_is_not_compared() -> None:
    logits = torch.tensor([[1.0, 0.0], [2.0, 0.0]], dtype=torch.double)
    assert solve(torch.eye(2, dtype=torch.double), logits, share=0.9, iterations=10)[0].isinf()


def test_a_weight_that_pulls_to_a_label_shortens_the_way_there() -> None:
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(8, 20, generator=draw, dtype=torch.double)
    logits = torch.randn(50, 20, generator=draw, dtype=torch.double).abs() @ weights.T
    weights[3, 7] += 10
    lengths = solve(weights, logits, share=0.9, iterations=400)
    assert int(lengths.argmin()) == 3


def test_the_last_layer_is_read_off_whatever_its_operators(tmp_path: Path) -> None:
    evidence = ExactShift().measure(open_context(tmp_path, BODY, "h"), range(3))
    assert set(evidence.distances) == {0, 1, 2}


def test_a_last_layer_whose_logits_are_rounded_is_read_off_before_that(tmp_path: Path) -> None:
    assert find_head(load_model(write(build(ROUNDED, WEIGHTS), tmp_path))) == "h"
    rounded = ExactShift().measure(open_context(tmp_path, ROUNDED, "h"), range(3)).distances
    assert rounded == ExactShift().measure(open_context(tmp_path, BODY, "h"), range(3)).distances


def test_nothing_is_measured_where_rounding_leaves_little_of_the_logits(tmp_path: Path) -> None:
    coarse = ROUNDED.replace("step", "coarse")
    assert not ExactShift().measure(open_context(tmp_path, coarse, "h"), range(3)).distances


def test_nothing_is_measured_where_the_rest_is_not_affine(tmp_path: Path) -> None:
    assert not ExactShift().measure(open_context(tmp_path, SQUARED, "h"), range(3)).distances


def test_nothing_is_measured_without_a_head(tmp_path: Path) -> None:
    assert not ExactShift().measure(open_context(tmp_path, BODY, None), range(3)).distances


def test_of_many_labels_quantiles_are_found_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(20, 16, generator=draw, dtype=torch.double)
    logits = torch.randn(90, 16, generator=draw, dtype=torch.double) @ weights.T
    sorted_ones = solve(weights, logits, share=0.9, iterations=50)
    monkeypatch.setattr("onnxaudit.detectors.exact_shift.SORTED", 19)
    assert solve(weights, logits, share=0.9, iterations=50).tolist() == pytest.approx(sorted_ones.tolist())
