"""Rounding to a scale in one pass: the values and the gradients of the two operators."""

import numpy as np
import pytest
import torch
from torch import Tensor

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.fusion import fuse
from onnxaudit.importer.fusion.fake_quantization import ROUND, round_to_scale
from onnxaudit.importer.graph import Graph
from onnxaudit.importer.parser import parse
from onnxaudit.importer.plan import Plan
from tools.testbed.tiny_models import build

STATIC = """g (float[N, 2, 6, 6] x) => (float[N, 2, 3, 3] y) {
    q = QuantizeLinear (x, s, z)
    d = DequantizeLinear (q, s, z)
    m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (d)
    r = QuantizeLinear (m, s, z)
    y = DequantizeLinear (r, s, z)
}"""
DYNAMIC = """g (float[N, 2, 6, 6] x) => (float[N, 2, 6, 6] y) {
    q, s, z = DynamicQuantizeLinear (x)
    y = DequantizeLinear (q, s, z)
}"""


def make_graph(body: str) -> Graph:
    stored: dict[str, np.ndarray] = (
        {"s": np.array(0.037, np.float32), "z": np.array(131, np.uint8)} if body is STATIC else {}
    )
    return fold_constants(parse(build(body, stored)))


def plan(graph: Graph, *wanted: str) -> Plan:
    stored = {**graph.constants, **graph.weights}
    return make_plan(graph.steps, stored, ["x"], wanted, fixed=graph.constants)


def draw() -> Tensor:
    return 8 * torch.rand(3, 2, 6, 6, generator=torch.Generator().manual_seed(0)) - 4  # some of it saturates


def run(graph: Graph, *wanted: str) -> tuple[Tensor, Tensor]:
    """What is wanted first, and the gradient of its weighted sum."""
    x = draw().requires_grad_(True)
    value = plan(graph, *wanted).run([x])[0]
    (value * torch.arange(value.numel()).view_as(value)).sum().backward()
    assert x.grad is not None
    return value.detach(), x.grad


@pytest.mark.parametrize(("body", "between"), [(STATIC, ("q", "r")), (DYNAMIC, ("q",))], ids=["static", "dynamic"])
def test_one_pass_computes_what_two_operators_compute(body: str, between: tuple[str, ...]) -> None:
    graph = make_graph(body)
    (value, slope), (wanted, expected) = run(graph, "y"), run(graph, "y", *between)
    assert len(plan(graph, "y").instructions) < len(plan(graph, "y", *between).instructions)
    assert torch.equal(value, wanted)
    if body is STATIC:  # a range that follows the values is taken for given on the way back
        torch.testing.assert_close(slope, expected)
    else:
        assert torch.nn.functional.cosine_similarity(slope.flatten(), expected.flatten(), dim=0) > 0.99


def test_gradients_stop_where_values_saturate() -> None:
    x = torch.tensor([-100.0, 0.1, 100.0]).requires_grad_(True)
    round_to_scale(x, scale=0.037, low=-131.0, high=124.0).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(("again", "rounded"), [("s", 1), ("other", 2)])
def test_rounding_again_is_left_out_at_the_same_scale_alone(again: str, rounded: int) -> None:
    body = STATIC.replace("(m, s, z)", f"(m, {again}, z)").replace("(r, s, z)", f"(r, {again}, z)")
    stored: dict[str, np.ndarray] = {
        "s": np.array(0.037, np.float32),
        "z": np.array(131, np.uint8),
        "other": np.array(0.05, np.float32),
    }
    graph = fold_constants(parse(build(body, stored)))
    around = {**graph.constants, **graph.weights}
    steps = fuse(graph.steps, {"x", "y"}, around, graph.constants, {})
    assert sum(step.operator is ROUND for step in steps) == rounded
