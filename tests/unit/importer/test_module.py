import copy

import numpy as np
import pytest
import torch

from onnxaudit.errors import UnsupportedOperatorError
from onnxaudit.importer import Classifier, import_model
from onnxaudit.records import ChannelOrder, Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import conv_model, conv_weights, make_model


def draw(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_copy_agrees_with_onnxruntime_on_every_tensor() -> None:
    model, x = conv_model(), draw(5, 1, 6, 6)
    names = ["c", "n", "r", "p", "f", "z", "y"]
    ours = import_model(model).values(x, names)
    theirs = Runtime(model, Preprocessing()).run(x.numpy(), names)
    for name in names:
        np.testing.assert_allclose(ours[name].numpy(), theirs[name], atol=1e-5, err_msg=name)


def test_softmax_is_cut_off_the_logits() -> None:
    model, x = conv_model(ending="y = Softmax <axis = 1> (z)"), draw(2, 1, 6, 6)
    copied = import_model(model)
    assert torch.equal(copied(x), copied.values(x, ["z"])["z"])
    np.testing.assert_allclose(copied.values(x, ["y"])["y"].sum(1).numpy(), 1, atol=1e-6)


def test_weights_are_the_float_initializers_and_frozen() -> None:
    copied = import_model(conv_model())
    assert set(copied.weights) == set(conv_weights())
    assert not any(weight.requires_grad for weight in copied.parameters())
    assert not copied.training


def test_shared_initializer_stays_one_parameter() -> None:
    weights = {"w": np.eye(4, dtype=np.float32)}
    model = make_model(
        """shared (float[N, 1, 2, 2] x) => (float[N, 4] y) {
            f = Flatten(x)
            a = MatMul(f, w)
            y = MatMul(a, w)
        }""",
        weights,
    )
    copied = import_model(model)
    assert len(list(copied.parameters())) == 1
    copied.unfreeze(["w"])
    copied(draw(1, 1, 2, 2)).sum().backward()
    grad = copied.weights["w"].grad
    assert grad is not None
    # y = x·W·W summed: dy/dW = xᵀ·(W·1)ᵀ + (x·W)ᵀ·1ᵀ, with W the identity.
    x = draw(1, 1, 2, 2).flatten()
    assert torch.allclose(grad, 2 * x[:, None].expand(4, 4), atol=1e-6)


def test_unfrozen_weights_alone_receive_gradients() -> None:
    copied = import_model(conv_model())
    copied.unfreeze(["w1", "scale"])
    copied(draw(2, 1, 6, 6)).square().sum().backward()
    assert {name for name, weight in copied.weights.items() if weight.grad is not None} == {"w1", "scale"}
    copied.freeze()
    assert all(weight.grad is None and not weight.requires_grad for weight in copied.parameters())


def test_unfreezing_an_unknown_weight_is_refused() -> None:
    with pytest.raises(KeyError):
        import_model(conv_model()).unfreeze(["nothing"])


def test_changed_weights_take_effect_at_once() -> None:
    copied, x = import_model(conv_model()), draw(2, 1, 6, 6)
    before = copied(x)
    with torch.no_grad():
        copied.weights["shift"].add_(1.0)
        copied.weights["b2"].add_(1.0)
    assert not torch.allclose(before, copied(x))
    assert torch.allclose(copied(x), copied.tail(copied.values(x, ["c"])), atol=1e-5)


def test_tail_needs_no_input() -> None:
    copied, x = import_model(conv_model()), draw(3, 1, 6, 6)
    r = copied.values(x, ["r"])["r"]
    assert torch.allclose(copied.tail({"r": r}), copied(x), atol=1e-6)
    assert torch.allclose(copied.tail({"r": r}, "p"), r.mean((2, 3), keepdim=True))


def test_tail_without_enough_feeds_names_what_is_missing() -> None:
    with pytest.raises(KeyError, match="x"):
        import_model(conv_model()).tail({"y": draw(1, 3)}, "r")


def test_fed_tensor_stands_even_where_it_is_computed_too() -> None:
    copied, x = import_model(conv_model()), draw(2, 1, 6, 6)
    fed = draw(2, 4, seed=9)
    assert torch.equal(copied.tail({"x": x, "f": fed}), copied.tail({"f": fed}))


def test_unknown_tensor_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        import_model(conv_model()).values(draw(1, 1, 6, 6), ["nothing"])


def test_gradients_match_finite_differences() -> None:
    copied = import_model(conv_model()).double()
    x = draw(2, 1, 6, 6).double().requires_grad_()
    assert torch.autograd.gradcheck(copied, (x,), atol=1e-4)


def test_refusal_names_the_file() -> None:
    model = make_model("g (float[N, 1, 2, 2] x) => (float[N, 4] y) { a = Foo(x)\n y = Flatten(a) }")
    with pytest.raises(UnsupportedOperatorError, match=r"^tiny.onnx: .*Foo"):
        import_model(model)


def test_deep_copy_is_independent() -> None:
    copied, x = import_model(conv_model()), draw(1, 1, 6, 6)
    before = copied(x)
    twin = copy.deepcopy(copied)
    with torch.no_grad():
        twin.weights["b2"].add_(1.0)
    assert torch.equal(copied(x), before)
    assert torch.allclose(twin(x), before + 1.0, atol=1e-6)


def test_classifier_takes_pixels_to_the_models_own_layout() -> None:
    model = make_model(
        """nhwc (float[N, 4, 4, 3] image) => (float[N, 3] y) {
            t = Transpose <perm = [0, 3, 1, 2]> (image)
            c = Conv(t, w)
            y = Flatten(c)
        }""",
        {"w": np.random.default_rng(0).standard_normal((3, 3, 4, 4)).astype(np.float32)},
    )
    preprocessing = Preprocessing(high=255.0, mean=(1.0, 2.0, 3.0), channel_order=ChannelOrder.BGR)
    pixels = draw(2, 3, 4, 4).requires_grad_()
    classifier = Classifier(import_model(model), preprocessing)
    ours = classifier(pixels)
    theirs = Runtime(model, preprocessing).predict(pixels.detach().numpy())
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-4, atol=1e-3)
    ours.sum().backward()
    assert pixels.grad is not None
    assert torch.equal(classifier.values(pixels, ["y"])["y"], ours)


def test_model_whose_constants_are_all_whole_numbers_computes_where_it_was_moved() -> None:
    model = make_model(
        """g (float[N, 1, 2, 2] x) => (float[N, 4] y) {
            f = Flatten(x)
            i = Cast <to = 6> (f)
            a = Add(i, shift)
            y = Cast <to = 1> (a)
        }""",
        {"shift": np.arange(4, dtype=np.int32)},
    )
    moved = import_model(model, "meta")
    assert moved(torch.empty(3, 1, 2, 2, device="meta")).device.type == "meta"


RESHAPED = """
tiny (float[N, 1, 4, 4] x) => (float[N, 3] y) {
    c = Conv <pads = [1, 1, 1, 1]> (x, k)
    s = Shape(x)
    n = Gather <axis = 0> (s, first)
    sizes = Concat <axis = 0> (n, rest)
    f = Reshape(c, sizes)
    y = Gemm(f, w, b)
}"""


def test_a_tail_that_asks_for_the_number_of_images_takes_that_of_what_it_is_given() -> None:
    generator = np.random.default_rng(0)
    weights = {
        "k": generator.standard_normal((2, 1, 3, 3)).astype(np.float32),
        "w": generator.standard_normal((32, 3)).astype(np.float32),
        "b": np.zeros(3, np.float32),
        "first": np.array([0]),
        "rest": np.array([-1]),
    }
    copied, x = import_model(make_model(RESHAPED, weights)), draw(5, 1, 4, 4)
    values = copied.values(x, ["c", "y"])
    torch.testing.assert_close(copied.tail({"c": values["c"].repeat(2, 1, 1, 1)}), values["y"].repeat(2, 1))


def test_a_tail_that_needs_the_images_themselves_says_so() -> None:
    body = RESHAPED.replace("y = Gemm(f, w, b)", "z = Gemm(f, w, b)  m = ReduceMax(x)  y = Add(z, m)")
    shapes = {"k": (2, 1, 3, 3), "w": (32, 3), "b": (3,)}
    weights = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    copied = import_model(make_model(body, weights | {"first": np.array([0]), "rest": np.array([-1])}))
    with pytest.raises(KeyError, match="neither fed nor stored nor computed: x"):
        copied.tail({"c": torch.zeros(2, 2, 4, 4)})
