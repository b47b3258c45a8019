from pathlib import Path

import numpy as np
import pytest
import torch

from onnxaudit.importer import import_model
from onnxaudit.intake import load_model
from onnxaudit.surgery import find_features, find_head
from tools.testbed.tiny_models import build, write

RANDOM = np.random.default_rng(0)


def weights(*shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {f"w{index}": RANDOM.normal(size=shape).astype(np.float32) for index, shape in enumerate(shapes)}


def test_hidden_layers_are_shifted_at_what_feeds_the_first(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, w0)
        r = Relu(c)
        flat = Flatten(r)
        z = MatMul(flat, w1)
        h = Relu(z)
        y = MatMul(h, w2)
    }"""
    model = build(body, weights((2, 1, 3, 3), (32, 5), (5, 3)))
    assert find_features(load_model(write(model, tmp_path))) == "flat"


def test_a_single_layer_is_shifted_before_pooling_and_the_last_activation(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, w0)
        r = Relu(c)
        p = GlobalAveragePool(r)
        flat = Flatten(p)
        y = MatMul(flat, w1)
    }"""
    model = build(body, weights((2, 1, 3, 3), (2, 3)))
    assert find_features(load_model(write(model, tmp_path))) == "c"


QUANTIZED = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y)
    <float s = {0.1}, uint8 z = {0}> {
        c = Conv<pads = [1, 1, 1, 1]>(x, w0)
        BODY
        y = MatMul(f, w1)
    }"""


@pytest.mark.parametrize(
    "between",
    [
        "r = Relu(c) q = QuantizeLinear(r, s, z) d = DequantizeLinear(q, s, z) p = GlobalAveragePool(d) "
        "qp = QuantizeLinear(p, s, z) dp = DequantizeLinear(qp, s, z) flat = Flatten(dp) "
        "qf = QuantizeLinear(flat, s, z) f = DequantizeLinear(qf, s, z)",
        "q = QuantizeLinear(c, s, z) d = DequantizeLinear(q, s, z) p = GlobalAveragePool(d) f = Flatten(p)",
        "r = Relu(c) p = GlobalAveragePool(r) flat = Flatten(p) qf, sf, zf = DynamicQuantizeLinear(flat) "
        "f = DequantizeLinear(qf, sf, zf)",
    ],
    ids=["static", "saturation in place of the activation", "dynamic"],
)
def test_rounding_before_a_single_layer_is_seen_through(between: str, tmp_path: Path) -> None:
    model = build(QUANTIZED.replace("BODY", between.replace(") ", ")\n")), weights((2, 1, 3, 3), (2, 3)))
    loaded = load_model(write(model, tmp_path))
    assert find_features(loaded) == "c"
    classifier = import_model(loaded)
    values = classifier.values(torch.rand(2, 1, 4, 4), ["c", "y"])
    assert torch.equal(classifier.tail({"c": values["c"]}, "y"), values["y"])


def test_rounding_of_the_pixels_alone_is_no_nonlinearity(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) <float s = {0.1}, uint8 z = {0}> {
        q = QuantizeLinear(x, s, z)
        d = DequantizeLinear(q, s, z)
        flat = Flatten(d)
        y = MatMul(flat, w0)
    }"""
    assert find_features(load_model(write(build(body, weights((16, 3))), tmp_path))) is None


def test_a_model_without_a_nonlinearity_before_its_only_layer_has_none(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        flat = Flatten(x)
        y = MatMul(flat, w0)
    }"""
    assert find_features(load_model(write(build(body, weights((16, 3))), tmp_path))) is None


def test_a_model_without_a_fully_connected_layer_has_none(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        c = Conv(x, w0)
        p = GlobalAveragePool(c)
        y = Flatten(p)
    }"""
    assert find_features(load_model(write(build(body, weights((3, 1, 3, 3))), tmp_path))) is None


def test_the_head_is_what_feeds_the_last_product_behind_pooling(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, w0)
        r = Relu(c)
        p = GlobalAveragePool(r)
        flat = Flatten(p)
        z = MatMul(flat, w1)
        y = Add(z, w2)
    }"""
    model = build(body, weights((2, 1, 3, 3), (2, 3), (3,)))
    assert find_head(load_model(write(model, tmp_path))) == "p"


def test_the_head_of_a_network_that_pools_its_scores_is_before_both(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        c = Conv(x, w0)
        r = Relu(c)
        s = Conv(r, w1)
        p = GlobalAveragePool(s)
        y = Flatten(p)
    }"""
    model = build(body, weights((2, 1, 3, 3), (3, 2, 1, 1)))
    assert find_head(load_model(write(model, tmp_path))) == "r"


def test_a_model_that_is_affine_as_a_whole_has_no_head(tmp_path: Path) -> None:
    body = """tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
        flat = Flatten(x)
        y = MatMul(flat, w0)
    }"""
    assert find_head(load_model(write(build(body, weights((16, 3))), tmp_path))) is None
