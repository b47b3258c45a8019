import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from onnxaudit.errors import ModelError
from onnxaudit.importer import import_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import make_model, wrap
from tools.testbed.tiny_models import build

GENERATOR = np.random.default_rng(3)
WEIGHTS = {
    "w": GENERATOR.standard_normal((12, 12)).astype(np.float32),
    "token": GENERATOR.standard_normal((1, 1, 3)).astype(np.float32),
    "head": GENERATOR.standard_normal((12, 5)).astype(np.float32),
}


def check_free_batch(body: str, names: tuple[str, ...]) -> None:
    """A batch gives what its images give one by one."""
    copied = import_model(make_model(body, {name: WEIGHTS[name] for name in names}))
    x = torch.rand(4, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    singly = torch.cat([copied(image[None]) for image in x])
    assert torch.allclose(copied(x), singly, atol=1e-5)
    assert singly.std(0).min() > 1e-3


def test_reshape_to_one_row() -> None:
    body = """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        shape = Constant <value_ints = [1, 12]> ()
        f = Reshape(x, shape)
        y = MatMul(f, head)
    }"""
    check_free_batch(body, ("head",))


def test_reshape_whose_free_axis_would_swallow_the_batch() -> None:
    body = """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        shape = Constant <value_ints = [1, -1]> ()
        f = Reshape(x, shape)
        y = MatMul(f, head)
    }"""
    check_free_batch(body, ("head",))


def test_rows_merged_with_the_batch() -> None:
    body = """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        rows = Constant <value_ints = [3, 4]> ()
        a = Reshape(x, rows)
        r = Relu(a)
        back = Constant <value_ints = [1, 12]> ()
        f = Reshape(r, back)
        y = MatMul(f, head)
    }"""
    check_free_batch(body, ("head",))


def test_batch_behind_the_sequence() -> None:
    body = """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        rows = Constant <value_ints = [1, 3, 4]> ()
        a = Reshape(x, rows)
        t = Transpose <perm = [1, 0, 2]> (a)
        flat = Constant <value_ints = [3, -1]> ()
        b = Reshape(t, flat)
        s = Softmax <axis = 1> (b)
        apart = Constant <value_ints = [3, 1, 4]> ()
        c = Reshape(s, apart)
        u = Transpose <perm = [1, 0, 2]> (c)
        f = Flatten(u)
        y = MatMul(f, head)
    }"""
    check_free_batch(body, ("head",))


def test_constant_token_joined_to_the_image() -> None:
    body = """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        rows = Constant <value_ints = [1, 3, 3]> ()
        begin = Constant <value_ints = [0]> ()
        end = Constant <value_ints = [3]> ()
        axis = Constant <value_ints = [3]> ()
        cut = Slice(x, begin, end, axis)
        a = Reshape(cut, rows)
        b = Concat <axis = 1> (token, a)
        f = Flatten(b)
        y = MatMul(f, head)
    }"""
    check_free_batch(body, ("token", "head"))


def test_larger_fixed_batch_is_freed_for_its_multiples() -> None:
    body = """g (float[2, 1, 3, 4] x) => (float[2, 5] y) {
        shape = Constant <value_ints = [2, 12]> ()
        f = Reshape(x, shape)
        y = MatMul(f, head)
    }"""
    copied = import_model(make_model(body, {"head": WEIGHTS["head"]}))
    x = torch.rand(6, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(copied(x), torch.cat([copied(x[i : i + 2]) for i in (0, 2, 4)]), atol=1e-6)


def test_network_that_mixes_its_batch_is_refused() -> None:
    body = """g (float[2, 1, 3, 4] x) => (float[2, 5] y) {
        m = ReduceMean <axes = [0], keepdims = 1> (x)
        d = Sub(x, m)
        f = Flatten(d)
        y = MatMul(f, head)
    }"""
    with pytest.raises(ModelError, match="batch of 2"):
        import_model(make_model(body, {"head": WEIGHTS["head"]}))


def test_transposition_written_as_reshape_is_freed() -> None:
    """Rows first: with a batch of one a reshape does what a transposition does with any."""
    model = make_model(
        """sequence (float[1, 1, 6, 5] x) => (float[1, 5] y) {
            rows = Reshape(x, shape)
            hidden, last = RNN <hidden_size = 5> (rows, w, r)
            y = Squeeze(last, zero)
        }""",
        {
            "shape": np.array([-1, 1, 5], np.int64),
            "w": np.random.default_rng(0).standard_normal((1, 5, 5)).astype(np.float32),
            "r": np.random.default_rng(1).standard_normal((1, 5, 5)).astype(np.float32),
            "zero": np.array([0], np.int64),
        },
    )
    copied = import_model(model)
    x = torch.rand(3, 1, 6, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(copied(x), torch.cat([copied(x[index : index + 1]) for index in range(3)]))


DYNAMIC = {
    "integers": """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        f = Flatten(x)
        q, s, z = DynamicQuantizeLinear(f)
        m = MatMulInteger(q, codes, z)
        c = Cast <to = 1> (m)
        b = Mul(s, scale)
        y = Mul(c, b)
    }""",
    "merged rows": """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        rows = Constant <value_ints = [3, 4]> ()
        a = Reshape(x, rows)
        q, s, z = DynamicQuantizeLinear(a)
        d = DequantizeLinear(q, s, z)
        one = Constant <value_ints = [1, 12]> ()
        f = Reshape(d, one)
        y = MatMul(f, head)
    }""",
    "product": """g (float[1, 1, 3, 4] x) => (float[1, 5] y) {
        f = Flatten(x)
        y = com.microsoft.DynamicQuantizeMatMul(f, codes, scale)
    }""",
}


@pytest.mark.parametrize("kind", DYNAMIC)
def test_range_that_follows_the_values_follows_those_of_each_image(kind: str) -> None:
    codes = GENERATOR.integers(-9, 9, (12, 5), np.int8)
    stored = {"codes": codes, "scale": np.array(0.1, np.float32), "head": WEIGHTS["head"]}
    proto = build(DYNAMIC[kind], {name: value for name, value in stored.items() if name in DYNAMIC[kind]})
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    proto.graph.value_info.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5)))
    model = wrap(proto)
    copied = import_model(model)
    # Images of very different ranges: one range for all would round the small ones away.
    x = torch.rand(4, 1, 3, 4, generator=torch.Generator().manual_seed(0)) * torch.logspace(0, -3, 4).view(4, 1, 1, 1)
    singly = torch.cat([copied(image[None]) for image in x])
    torch.testing.assert_close(copied(x), singly)
    runtime = Runtime(model, Preprocessing())
    theirs = np.concatenate([runtime.run(image[None].numpy(), ["y"])["y"] for image in x])
    np.testing.assert_allclose(singly.detach().numpy(), theirs, rtol=1e-4, atol=1e-7)
