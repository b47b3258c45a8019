import numpy as np
import pytest
import torch

from onnxaudit.importer import TorchModel, import_model
from tests.some import some
from tests.unit.importer.networks import conv_model, make_model

NUMBERS = """
    root = Constant <value_float = 1.4142135381698608> ()
    one = Constant <value_float = 1.0> ()
    half = Constant <value_float = 0.5> ()
"""
GELUS = {
    "half last": "a = Div(f, root)\n e = Erf(a)\n p = Add(e, one)\n m = Mul(f, p)\n y = Mul(m, half)",
    "half first": "h = Mul(half, f)\n a = Div(f, root)\n e = Erf(a)\n p = Add(one, e)\n y = Mul(h, p)",
    "half inside": "a = Div(f, root)\n e = Erf(a)\n p = Add(one, e)\n q = Mul(p, half)\n y = Mul(q, f)",
}


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def images(count: int = 2) -> torch.Tensor:
    return torch.from_numpy(draw(count, 1, 4, 4, seed=9))


def make(body: str, **weights: np.ndarray) -> TorchModel:
    text = f"g (float[N, 1, 4, 4] x) => (float[N, 16] y) {{ f = Flatten(x)\n {NUMBERS} {body} }}"
    return import_model(make_model(text, weights))


def steps(model: TorchModel) -> list[str]:
    (plan,) = model._plans.values()
    return [instruction.name for instruction in plan.instructions]


@pytest.mark.parametrize("body", GELUS.values(), ids=GELUS)
def test_gelu_is_one_step_in_whichever_order_it_is_written(body: str) -> None:
    model = make(body)
    assert torch.allclose(model(images()), torch.nn.functional.gelu(images().flatten(1)), atol=1e-6)
    assert len(steps(model)) == 2


@pytest.mark.parametrize(
    "body",
    [
        GELUS["half last"].replace("1.4142", "1.5").replace("root)", "one)"),
        GELUS["half last"].replace("Div(f, root)", "Div(root, f)"),
        GELUS["half last"].replace("Add(e, one)", "Add(e, half)"),
        GELUS["half last"].replace("Mul(m, half)", "Mul(m, one)"),
    ],
)
def test_what_resembles_a_gelu_is_left_alone(body: str) -> None:
    model = make(body)
    model(images())
    assert len(steps(model)) == 6


def test_parts_of_a_fusion_can_still_be_asked_for() -> None:
    model = make(GELUS["half last"])
    values = model.values(images(), ["y", "e", "p"])
    assert torch.allclose(values["p"], 1 + torch.erf(images().flatten(1) / 2**0.5), atol=1e-6)
    assert torch.equal(values["p"], values["e"] + 1)


def test_silu_is_one_step() -> None:
    model = make("s = Sigmoid(f)\n y = Mul(s, f)")
    assert torch.allclose(model(images()), torch.nn.functional.silu(images().flatten(1)), atol=1e-6)
    assert len(steps(model)) == 2


@pytest.mark.parametrize("bias", [draw(16), draw(1)])
def test_product_and_bias_are_one_step_whose_weights_get_gradients(bias: np.ndarray) -> None:
    model = make("m = MatMul(f, w)\n y = Add(b, m)", w=draw(16, 16), b=bias)
    model.unfreeze(["w", "b"])
    y = model(images())
    assert torch.allclose(y, images().flatten(1) @ torch.from_numpy(draw(16, 16)) + torch.from_numpy(bias), atol=1e-5)
    assert len(steps(model)) == 2
    y.sum().backward()
    assert model.weights["w"].grad is not None
    assert torch.allclose(some(model.weights["b"].grad), torch.full(bias.shape, 2.0 * 16 / bias.size))


ATTENTION = """
    t = Reshape(f, split)
    q = Transpose <perm = [0, 2, 1, 3]> (t)
    k = Transpose <perm = [0, 2, 3, 1]> (t)
    s = MatMul(q, k)
    d = Mul(s, half)
    {mask}
    p = Softmax <axis = {axis}> (a)
    o = MatMul(p, q)
    y = Reshape(o, rows)
"""


@pytest.mark.parametrize("mask", ["a = Identity(d)", "a = Add(mask, d)"])
@pytest.mark.parametrize("axis", [-1, 3, 2])
def test_attention_computes_the_same_with_and_without_fusion(mask: str, axis: int) -> None:
    sizes = {"split": np.array([-1, 4, 2, 2]), "rows": np.array([-1, 16]), "mask": draw(4, 4)}
    model = make(ATTENTION.format(mask=mask, axis=axis), **sizes)
    fused = model(images())
    assert any("attention" in name for name in steps(model))
    apart = model.values(images(), ["s", "p", "y"])["y"]
    assert torch.allclose(fused, apart, atol=1e-6)


def test_relu_does_not_overwrite_what_is_asked_for() -> None:
    model, x = import_model(conv_model()), torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    values = model.values(x, ["n", "r"])
    assert values["n"].min() < 0
    assert torch.equal(values["n"].relu(), values["r"])


def test_relu_does_not_overwrite_what_another_step_reads() -> None:
    model = make("a = Add(f, one)\n r = Relu(a)\n y = Sub(r, a)")
    shifted = images().flatten(1) + 1
    assert torch.equal(model(images()), shifted.relu() - shifted)


def test_input_is_never_overwritten() -> None:
    model, x = make("y = Relu(f)"), images()
    model(x)
    assert torch.equal(x, images())


def test_changed_weights_count_although_folded_ones_are_kept() -> None:
    model, x = import_model(conv_model()), torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    before = model(x)
    for name in ("w1", "scale", "var"):
        with torch.no_grad():
            model.weights[name].mul_(2)
        assert not torch.allclose(model(x), before)
        assert torch.allclose(model(x), model.values(x, ["c", "z"])["z"], atol=1e-5)
        before = model(x)


def test_gradients_reach_weights_that_are_unfrozen_after_a_run() -> None:
    model, x = import_model(conv_model()), torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    model(x)
    model.unfreeze(["w1"])
    model(x).sum().backward()
    assert model.weights["w1"].grad is not None
