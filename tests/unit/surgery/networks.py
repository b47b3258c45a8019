"""Networks that surgery is tested on: every kind of fully connected layer, and convolutions with what may follow."""

from collections.abc import Mapping

import numpy as np

from onnxaudit.intake import Model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tests.unit.importer.networks import make_model

HEAD = "tiny (float[N, 1, 4, 4] x) => (float[N, 3] y)"
DENSE = f"""{HEAD} {{
    flat = Flatten(x)
    [first] h = Gemm (flat, w1, b1)
    a = Relu(h)
    [second] y = Gemm (a, w2, b2)
}}"""
BODIES = {
    "gemm": DENSE,
    "gemm with transposed weights": DENSE.replace("Gemm (flat", "Gemm <transB = 1> (flat"),
    "matmul and add": f"""{HEAD} {{
        flat = Flatten(x)
        [first] m = MatMul(flat, w1)
        h = Add(m, b1)
        a = Relu(h)
        n = MatMul(a, w2)
        y = Add(b2, n)
    }}""",
    "weights behind a transpose and an identity": f"""{HEAD} {{
        flat = Flatten(x)
        w = Transpose <perm = [1, 0]> (w1)
        b = Identity(b1)
        [first] h = Gemm (flat, w, b)
        a = Relu(h)
        y = Gemm (a, w2, b2)
    }}""",
    "sigmoid": DENSE.replace("Relu", "Sigmoid"),
    "swish in two nodes": DENSE.replace("a = Relu(h)", "s = Sigmoid(h)  a = Mul(h, s)"),
    "batch norm behind": DENSE.replace(
        "a = Relu(h)", "n = BatchNormalization <epsilon = 0.01> (h, scale, shift, mean, var)  a = Relu(n)"
    ),
    "no activation": DENSE.replace("a = Relu(h)", "a = Identity(h)"),
    "1x1 convolution on a 1x1 map": f"""{HEAD} {{
        c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)
        p = GlobalAveragePool(c)
        [first] h = Conv(p, w1, b1)
        a = Relu(h)
        f = Flatten(a)
        y = Gemm(f, w2, b2)
    }}""",
    "parallel layers added together": f"""{HEAD} {{
        flat = Flatten(x)
        bent = Tanh(flat)
        [left] l = Gemm(flat, w1, b1)
        [right] r = Gemm(bent, w3, b3)
        h = Add(l, r)
        a = Relu(h)
        y = Gemm(a, w2, b2)
    }}""",
    "the classifier alone": f"""{HEAD} {{
        c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)
        r = Relu(c)
        a = GlobalAveragePool(r)
        f = Flatten(a)
        [first] y = Gemm <transB = 1> (f, w2, b2)
    }}""",
}
Shapes = dict[str, tuple[int, ...] | None]
SHAPES: dict[str, Shapes] = {
    "gemm with transposed weights": {"w1": (5, 16)},
    "weights behind a transpose and an identity": {"w1": (5, 16)},
    "1x1 convolution on a 1x1 map": {"w1": (5, 4, 1, 1), "k": (4, 1, 3, 3), "kb": (4,)},
    "parallel layers added together": {"w3": (16, 5), "b3": (5,)},
    "batch norm behind": dict.fromkeys(("scale", "shift", "mean", "var"), (5,)),
    "the classifier alone": {"k": (5, 1, 3, 3), "kb": (5,), "w2": (3, 5), "w1": None, "b1": None},
}


def network(name: str, seed: int = 0) -> Model:
    """The body of that name with random weights; five neurons."""
    shapes: Shapes = {"w1": (16, 5), "b1": (5,), "w2": (5, 3), "b2": (3,), **SHAPES.get(name, {})}
    return make_model(BODIES[name], draw(shapes, seed))


TAIL = "last = MaxPool <kernel_shape = [2, 2]> (r)  f = Flatten(last)  [first] h = Gemm(f, w1, b1)  a = Relu(h)"
CHANNELS = {
    "relu behind": "[conv] c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)  r = Relu(c)",
    "batch norm and relu behind": "[conv] c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)  n = BatchNormalization "
    "(c, scale, shift, mean, var)  r = Relu(n)",
    "another convolution behind": "[conv] c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)  q = LeakyRelu(c) "
    "[later] d = Conv <pads = [1, 1, 1, 1]> (q, k2, kb2)  r = Relu(d)",
    "a gate behind": "[conv] c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)  q = Relu(c)  p = GlobalAveragePool(q) "
    "e = Conv(p, k1, kb2)  g = Sigmoid(e)  m = Mul(q, g)  r = Conv <pads = [1, 1, 1, 1]> (m, k2, kb2)",
    "a residual behind": "[conv] c = Conv <pads = [1, 1, 1, 1]> (x, k, kb)  q = Relu(c) "
    "[inner] d = Conv <pads = [1, 1, 1, 1]> (q, k2, kb2)  s = Add(d, q)  r = Relu(s)",
}


def channels(name: str, seed: int = 0) -> Model:
    """A network whose first convolution, of six channels, is called `conv`, and the first dense layer `first`."""
    shapes: Shapes = dict.fromkeys(("kb", "kb2", "scale", "shift", "mean", "var"), (6,))
    shapes |= {"k": (6, 1, 3, 3), "k2": (6, 6, 3, 3), "k1": (6, 6, 1, 1)}
    shapes |= {"w1": (54, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    values = {key: value if key == "var" else value / 3 for key, value in draw(shapes, seed).items()}
    return make_model(f"{HEAD} {{ {CHANNELS[name]}  {TAIL}  y = Gemm(a, w2, b2) }}", values)


def draw(shapes: Mapping[str, tuple[int, ...] | None], seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    values = {key: generator.standard_normal(shape).astype(np.float32) for key, shape in shapes.items() if shape}
    return {key: np.abs(value) if key == "var" else value for key, value in values.items()}


def dense(body: str = DENSE, **values: np.ndarray) -> Model:
    return make_model(body, draw({"w1": (16, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}) | values)


def images(count: int = 7) -> np.ndarray:
    return np.random.default_rng(1).random((count, 1, 4, 4)).astype(np.float32)


def logits(model: Model) -> np.ndarray:
    return Runtime(model, Preprocessing()).logits(images())
