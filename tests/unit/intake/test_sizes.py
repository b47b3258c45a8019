"""Inputs whose sizes the file leaves free."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxaudit.errors import ModelError, UsageError
from onnxaudit.intake import load_model
from onnxaudit.intake.declarations import shape_of
from onnxaudit.records import Layout, Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, linear_weights, write


def free_model(shape: str = "N, 1, H, W") -> onnx.ModelProto:
    """A convolution and a mean over the picture, whatever its size."""
    body = f"""
    tiny (float[{shape}] x) => (float[N, 3] y) {{
        c = Conv(x, k)
        m = GlobalAveragePool(c)
        f = Flatten(m)
        y = Gemm(f, w, b)
    }}"""
    kernel = np.random.default_rng(0).standard_normal((5, 1, 2, 2)).astype(np.float32)
    return build(body, {"k": kernel, **linear_weights(5, 3)})


def test_a_given_size_is_fixed_in_the_working_copy_alone(tmp_path: Path) -> None:
    path = write(free_model(), tmp_path)
    model = load_model(path, size=(4, 6))
    assert model.info.input.shape(2) == (2, 1, 4, 6)
    assert shape_of(model.computed.graph.input[0]) == ("N", 1, 4, 6)
    assert model.to_bytes() == path.read_bytes()
    assert Runtime(model, Preprocessing()).predict(np.zeros((2, 1, 4, 6), np.float32)).shape == (2, 3)


@pytest.mark.parametrize("shape", ["N, C, H, W", "N, C, 4, 6"])
def test_free_channels_are_those_of_the_first_convolution(tmp_path: Path, shape: str) -> None:
    model = load_model(write(free_model(shape), tmp_path), find_size=lambda _: (4, 6))
    assert model.info.input.shape(2) == (2, 1, 4, 6)
    assert shape_of(model.computed.graph.input[0]) == ("N", 1, 4, 6)


def test_the_size_is_sought_only_where_it_is_free(tmp_path: Path) -> None:
    asked = []

    def find(layout: Layout) -> tuple[int, int]:
        asked.append(layout)
        return 7, 8

    assert load_model(write(free_model("N, 1, 5, 5"), tmp_path), find_size=find).info.input.height == 5
    assert not asked
    taken = load_model(write(free_model("N, 1, 5, W"), tmp_path), find_size=find).info.input
    assert (taken.height, taken.width) == (5, 8)
    assert asked == [Layout.NCHW]


def test_a_size_that_nobody_tells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"leaves height and width free; name --input-size HxW"):
        load_model(write(free_model(), tmp_path))


def test_a_single_size_that_nobody_tells_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"leaves the width free; name --input-size 32xW"):
        load_model(write(free_model("N, 1, 32, W"), tmp_path))


@pytest.mark.parametrize(
    ("shape", "axis"), [("N, T, 2", Layout.NWC), ("N, 2, T", Layout.NCW), ("N, 1, steps", Layout.NCW)]
)
def test_the_free_axis_of_a_flattened_series_is_time(tmp_path: Path, shape: str, axis: Layout) -> None:
    body = f"tiny (float[{shape}] x) => (float[N, 3] y) {{ f = Flatten(x)  y = Gemm(f, w, b) }}"
    steps = 16 if "1" in shape else 8
    model = load_model(write(build(body, linear_weights(16, 3)), tmp_path), find_size=lambda _: (1, steps))
    assert (model.info.input.layout, model.info.input.width) == (axis, steps)
    inputs = np.random.default_rng(0).random(model.info.input.shape(2), dtype=np.float32)
    weights = linear_weights(16, 3)
    logits = Runtime(model, Preprocessing()).run(inputs, ["y"])["y"]
    np.testing.assert_allclose(logits, inputs.reshape(2, -1) @ weights["w"] + weights["b"], rtol=1e-5)


@pytest.mark.parametrize(("shape", "fixed"), [("N, 1, 5, 5", "height and width"), ("N, 1, 5, W", "the height")])
def test_a_size_against_the_file_is_refused(tmp_path: Path, shape: str, fixed: str) -> None:
    with pytest.raises(UsageError, match=rf"the file fixes {fixed}; .*name 5x5"):
        load_model(write(free_model(shape), tmp_path), size=(4, 5))


def test_a_free_number_of_features_is_fixed(tmp_path: Path) -> None:
    body = "tiny (float[N, F] x) => (float[N, 3] y) { y = Gemm(x, w, b) }"
    model = load_model(write(build(body, linear_weights(9, 3)), tmp_path), size=(1, 9))
    assert (model.info.input.layout, model.info.input.width) == (Layout.NC, 9)


TEXT = "float[N, 3] y) { e = Gather(table, ids)  c = Cast<to = 1>(mask)  u = Unsqueeze(c, last)  m = Mul(e, u) "
TEXT += "s = ReduceSum(m, steps)  f = Flatten(s)  y = Gemm(f, w, b) }"


def test_ids_of_words_are_refused_by_name_beside_their_mask(tmp_path: Path) -> None:
    stored = linear_weights(4, 3) | {
        "table": np.ones((9, 4), np.float32),
        "last": np.array([2]),
        "steps": np.array([1]),
    }
    model = build(f"tiny (int64[N, T] ids, int64[N, T] mask) => ({TEXT}", linear_weights(4, 3) | stored)
    with pytest.raises(ModelError, match=r"input 'ids' .*indexes of words or categories"):
        load_model(write(model, tmp_path))
