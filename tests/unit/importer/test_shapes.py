import numpy as np
import torch

from onnxaudit.importer import TorchModel, import_model
from tests.unit.importer.networks import make_model

SIZES = """
    zero = Constant <value_ints = [0]> ()
    rest = Constant <value_ints = [-1]> ()
    s = Shape(x)
    n = Gather(s, zero)
    shape = Concat <axis = 0> (n, rest)
    f = Reshape(x, shape)
"""


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 2, 2, generator=torch.Generator().manual_seed(seed))


def make(body: str) -> TorchModel:
    return import_model(make_model(f"g (float[N, 1, 2, 2] x) => (float[N, 4] y) {{ {SIZES} {body} }}"))


def count_left(model: TorchModel) -> list[int]:
    (plan,) = model._plans.values()
    return [len(program.instructions) for program in plan._settled.values()]


def test_sizes_are_computed_once_for_each_shape() -> None:
    model = make("y = Relu(f)")
    for count in (2, 3, 2, 3):
        assert torch.equal(model(images(count, seed=count)), images(count, seed=count).flatten(1))
    assert count_left(model) == [2, 2]


def test_few_shapes_are_remembered() -> None:
    model = make("y = Relu(f)")
    for count in range(1, 20):
        model(images(count))
    assert len(count_left(model)) == 8


def test_sizes_that_depend_on_values_are_computed_each_time() -> None:
    # The number of positive values decides what is added.
    model = make("""
        null = Constant <value_float = 0.0> ()
        positive = Greater(f, null)
        where = NonZero(positive)
        found = Shape <start = 1> (where)
        c = Cast <to = 1> (found)
        y = Add(f, c)
    """)
    for x in (images(2), -images(2), images(2)):
        assert torch.equal(model(x), x.flatten(1) + (x > 0).sum())


def test_what_follows_from_weights_is_computed_each_time() -> None:
    body = "g (float[N, 1, 2, 2] x) => (float[N, 4] y) { f = Flatten(x)\n v = Neg(w)\n y = Add(f, v) }"
    model = import_model(make_model(body, {"w": np.ones(4, np.float32)}))
    assert torch.equal(model(images(1)), images(1).flatten(1) - 1)
    with torch.no_grad():
        model.weights["w"].fill_(3)
    assert torch.equal(model(images(1)), images(1).flatten(1) - 3)


def test_gradients_flow_after_a_first_run_in_inference_mode() -> None:
    model = make("c = Cast <to = 1> (n)\n y = Mul(f, c)")
    with torch.inference_mode():
        model(images(2))
    x = images(2).requires_grad_()
    model(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full_like(x, 2))
