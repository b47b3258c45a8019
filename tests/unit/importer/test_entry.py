"""Models that take whole numbers, or round on the way to their first layer."""

import numpy as np
import pytest
import torch

from onnxaudit.errors import ModelError
from onnxaudit.importer import Classifier, check_parity, import_model
from onnxaudit.intake import Model
from onnxaudit.records import ElementType, Layout, Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import make_model
from tools.testbed.tiny_models import linear_weights

BYTES = Preprocessing("0..255", high=255.0)

# What stands between the input `x` and the float tensor `f` `(n, 48)` or its images; element type of the input.
FRONTS = {
    "bytes": ("uint8[N, 3, 4, 4]", "g = Cast<to=1>(x) f = Mul(g, small)"),
    "signed bytes": ("int8[N, 3, 4, 4]", "g = Cast<to=1>(x) f = Mul(g, small)"),
    "wide integers": ("int32[N, 3, 4, 4]", "g = Cast<to=1>(x) f = Mul(g, small)"),
    "integer arithmetic": (
        "uint8[N, 3, 4, 4]",
        "i = Cast<to=6>(x) s = Sub(i, half) g = Cast<to=1>(s) f = Mul(g, small)",
    ),
    "integer division": ("uint8[N, 3, 4, 4]", "i = Cast<to=6>(x) s = Div(i, three) f = Cast<to=1>(s)"),
    "colors last": ("uint8[N, 4, 4, 3]", "t = Transpose<perm=[0, 3, 1, 2]>(x) g = Cast<to=1>(t) f = Mul(g, small)"),
    "resized bytes": (
        "uint8[N, 3, 2, 2]",
        'r = Resize<mode="linear">(x, , scales) g = Cast<to=1>(r) f = Mul(g, small)',
    ),
    "dequantized": ("uint8[N, 3, 4, 4]", "f = DequantizeLinear(x, small, zero)"),
    "rounded": ("float[N, 3, 4, 4]", "r = Round(x) f = Mul(r, small)"),
    "rounded down": ("float[N, 3, 4, 4]", "r = Floor(x) f = Mul(r, small)"),
    "cut to bytes": (
        "float[N, 3, 4, 4]",
        "c = Clip(x, low, high) u = Cast<to=2>(c) g = Cast<to=1>(u) f = Mul(g, small)",
    ),
    "half precision": ("float16[N, 3, 4, 4]", "g = Cast<to=1>(x) f = Mul(g, small)"),
}
STORED = {
    "small": np.float32(1 / 64),
    "half": np.int32(128),
    "three": np.int32(3),
    "zero": np.uint8(7),
    "scales": np.array([1, 1, 2, 2], np.float32),
    "low": np.float32(0),
    "high": np.float32(255),
}


def make(front: str, batch: str = "N") -> Model:
    kind, steps = FRONTS[front]
    body = f"""
    tiny ({kind.replace("N", batch)} x) => (float[{batch}, 3] y) {{
        {steps}
        flat = Flatten(f)
        y = Gemm(flat, w, b)
    }}"""
    used = {name: np.asarray(value) for name, value in STORED.items() if f"{name})" in steps or f"{name}," in steps}
    return make_model(body, {**used, **linear_weights(48, 3)})


@pytest.mark.parametrize("front", FRONTS)
def test_the_copy_agrees_with_onnxruntime_and_gradients_reach_the_pixels(front: str) -> None:
    model = make(front)
    copied = import_model(model)
    assert check_parity(copied, model, Runtime(model, BYTES), seed=0) < (0.1 if front == "resized bytes" else 1e-3)
    spec = model.info.input
    pixels = torch.rand(2, spec.channels, spec.height, spec.width, generator=torch.Generator().manual_seed(1))
    pixels.requires_grad_(True)
    Classifier(copied, BYTES)(pixels)[:, 0].sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad != 0).all()


def test_the_gradient_of_a_byte_is_that_of_the_float_in_its_place() -> None:
    model = make("integer arithmetic")
    x = torch.full((1, 3, 4, 4), 100.3, requires_grad=True)
    import_model(model)(x)[0, 1].backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.flatten(), linear_weights(48, 3)["w"][:, 1] / 64, rtol=1e-5)


def test_values_between_whole_numbers_are_followed_where_nothing_rounds() -> None:
    copied = import_model(make("bytes"))
    low, middle, high = (copied(torch.full((1, 3, 4, 4), value)) for value in (10.0, 10.5, 11.0))
    assert torch.allclose(middle, (low + high) / 2, atol=1e-5)
    assert not torch.allclose(low, high, atol=1e-3)


def test_onnxruntime_is_given_rounded_numbers_within_the_type() -> None:
    model = make("bytes")
    runtime = Runtime(model, BYTES)
    inputs = np.full((1, 3, 4, 4), 99.7, np.float32)
    np.testing.assert_array_equal(runtime.run(inputs, ["y"])["y"], runtime.run(np.full_like(inputs, 100), ["y"])["y"])
    outside = np.full_like(inputs, 300)
    np.testing.assert_array_equal(runtime.run(outside, ["y"])["y"], runtime.run(np.full_like(inputs, 255), ["y"])["y"])


@pytest.mark.parametrize("front", ["bytes", "integer division", "cut to bytes"])
def test_a_fixed_batch_of_whole_numbers_is_made_free(front: str) -> None:
    model = make(front, batch="2")
    copied = import_model(model)
    assert check_parity(copied, model, Runtime(model, BYTES), seed=0) < 1e-3
    assert copied(torch.zeros(6, 3, 4, 4)).shape == (6, 3)


def test_double_precision_is_computed_in_double_precision() -> None:
    body = """
    tiny (double[N, 1, 4, 4] x) => (double[N, 3] y) { flat = Flatten(x) y = Gemm(flat, w, b) }"""
    model = make_model(body, {name: value.astype(np.float64) for name, value in linear_weights(16, 3).items()})
    assert model.info.input.dtype is ElementType.FLOAT64
    copied = import_model(model)
    assert check_parity(copied, model, Runtime(model, Preprocessing()), seed=0) < 1e-6
    assert Runtime(model, Preprocessing()).predict(np.zeros((1, 1, 4, 4), np.float32)).dtype == np.float32


def test_channels_last_bytes_are_read_as_such() -> None:
    spec = make("colors last").info.input
    assert (spec.layout, spec.dtype, spec.channels) == (Layout.NHWC, ElementType.UINT8, 3)


@pytest.mark.parametrize("kind", ["int64", "int32"])
def test_indexes_of_words_are_refused_with_the_reason(kind: str) -> None:
    body = f"""
    words ({kind}[N, 7] ids) => (float[N, 3] y) {{
        e = Gather(table, ids)
        f = ReduceMean<axes=[1], keepdims=0>(e)
        y = Gemm(f, w, b)
    }}"""
    with pytest.raises(ModelError, match=r"'ids'.*indexes of words or categories.*between two of them lies nothing"):
        make_model(body, {"table": np.ones((11, 16), np.float32), **linear_weights(16, 3)})
