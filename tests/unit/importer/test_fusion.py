import numpy as np
import pytest
import torch

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.constants import fold_constants
from onnxaudit.importer.fusion import fuse
from onnxaudit.importer.graph import Graph
from onnxaudit.importer.parser import parse
from onnxaudit.importer.plan import Plan
from tools.testbed.tiny_models import build

BODY = """g (float[N, 2, {sizes}] x) => (float[N, 6, {sizes}] y) {{
    c = Conv <group = 2, pads = [{pads}]> (x, w{bias})
    y = BatchNormalization <epsilon = 0.02> (c, scale, shift, mean, var)
}}"""


def make_graph(rank: int = 2, bias: bool = True) -> Graph:
    generator = np.random.default_rng(rank)

    def draw(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    stored = {name: draw(6) for name in ("b", "scale", "shift", "mean")} | {"var": np.abs(draw(6)) + 0.1}
    body = BODY.format(sizes=", ".join(["5"] * rank), pads=", ".join(["1"] * 2 * rank), bias=", b" if bias else "")
    return fold_constants(parse(build(body, stored | {"w": draw(6, 1, *[3] * rank)})))


def plan(graph: Graph, *wanted: str) -> Plan:
    return make_plan(graph.steps, {**graph.constants, **graph.weights}, ["x"], wanted)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_fused_normalization_computes_the_same(rank: int, bias: bool) -> None:
    graph = make_graph(rank, bias)
    x = torch.rand(2, 2, *[5] * rank, generator=torch.Generator().manual_seed(0))
    (fused,) = plan(graph, "y").run([x])
    apart = plan(graph, "y", "c").run([x])[0]
    assert len(plan(graph, "y").instructions) == 1
    assert len(plan(graph, "y", "c").instructions) == 2
    assert torch.allclose(fused, apart, atol=1e-5)


def test_every_weight_receives_its_gradient_through_the_fusion() -> None:
    graph = make_graph()
    for weight in graph.weights.values():
        weight.requires_grad_()
    x = torch.rand(2, 2, 5, 5, generator=torch.Generator().manual_seed(0))

    def gradients(*wanted: str) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(plan(graph, *wanted).run([x])[0].square().sum(), list(graph.weights.values()))

    for fused, apart in zip(gradients("y"), gradients("y", "c"), strict=True):
        assert torch.allclose(fused, apart, rtol=1e-3, atol=1e-3)


def test_convolution_that_somebody_else_reads_is_left_alone() -> None:
    proto = build(
        """g (float[N, 1, 3, 3] x) => (float[N, 1, 3, 3] y) {
            c = Conv(x, w)
            n = BatchNormalization(c, o, o, o, o)
            y = Add(c, n)
        }""",
        {"w": np.ones((1, 1, 1, 1), np.float32), "o": np.ones(1, np.float32)},
    )
    steps = parse(proto).steps
    assert fuse(steps, {"x", "y"}, {}, (), {}) == list(steps)


def test_normalization_by_the_batch_is_left_alone() -> None:
    proto = build(
        """g (float[N, 1, 3, 3] x) => (float[N, 1, 3, 3] y) {
            c = Conv(x, w)
            y, m, v = BatchNormalization <training_mode = 1> (c, o, o, o, o)
        }""",
        {"w": np.ones((1, 1, 1, 1), np.float32), "o": np.ones(1, np.float32)},
    )
    steps = parse(proto).steps
    assert fuse(steps, {"x", "y"}, {}, (), {}) == list(steps)
