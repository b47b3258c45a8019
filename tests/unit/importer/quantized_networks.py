"""A small float classifier that fits its data, and quantized versions of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from onnxaudit.intake import Model
from tests.unit.importer.networks import wrap
from tools.testbed.tiny_models import build

CLASSES, HIDDEN = 10, 24
NETWORK = """
cnn (float[N, 3, 12, 12] x) => (float[N, 10] y) {
    c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
    r1 = Relu(c1)
    p1 = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r1)
    c2 = Conv <pads = [1, 1, 1, 1]> (p1, w2, b2)
    s2 = Sigmoid(c2)
    m2 = Mul(c2, s2)
    c3 = Conv <pads = [1, 1, 1, 1], group = 8> (m2, w3, b3)
    a3 = Add(c3, p1)
    r3 = LeakyRelu <alpha = 0.1> (a3)
    k = Concat <axis = 1> (r3, m2)
    av = AveragePool <kernel_shape = [3, 3], strides = [3, 3]> (k)
    f = Flatten(av)
    h = Gemm <transB = 1> (f, w4, b4)
    hr = Relu(h)
    z = MatMul(hr, w5)
    y = Add(z, b5)
}"""


@dataclass(frozen=True)
class Float:
    """The float classifier with the images and labels that it fits."""

    model: Model
    images: np.ndarray
    labels: np.ndarray


def make_float() -> Float:
    """Random convolutions, and a last layer that ridge regression fits to ten noisy patterns."""
    generator = np.random.default_rng(0)

    def draw(*shape: int, gain: float = 1.0) -> np.ndarray:
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 1
        return (generator.standard_normal(shape) * gain / np.sqrt(fan_in)).astype(np.float32)

    weights = {
        "w1": draw(8, 3, 3, 3, gain=2),
        "b1": draw(8, gain=0.1),
        "w2": draw(8, 8, 3, 3, gain=2),
        "b2": draw(8, gain=0.1),
        "w3": draw(8, 1, 3, 3, gain=2),
        "b3": draw(8, gain=0.1),
        "w4": draw(HIDDEN, 64, gain=2),
        "b4": draw(HIDDEN, gain=0.1),
        "w5": draw(HIDDEN, CLASSES),
        "b5": draw(CLASSES),
    }
    labels = generator.integers(0, CLASSES, 256)
    patterns = np.kron(generator.random((CLASSES, 3, 4, 4)), np.ones((3, 3)))
    noisy = patterns[labels] + 0.2 * generator.standard_normal((256, 3, 12, 12))
    images = noisy.clip(0, 1).astype(np.float32)
    features = _run(build(NETWORK, weights), images, "hr")
    features = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    ridge = features.T @ features + 10 * np.eye(HIDDEN + 1)
    solution = np.linalg.solve(ridge, features.T @ (10 * np.eye(CLASSES)[labels] - 1)).astype(np.float32)
    weights |= {"w5": solution[:-1], "b5": solution[-1]}
    return Float(wrap(build(NETWORK, weights)), images, labels)


def _run(proto: onnx.ModelProto, images: np.ndarray, name: str) -> np.ndarray:
    proto.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([name], {"x": images})[0]


class _Reader(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self._batches = iter([{"x": images[start : start + 32]} for start in range(0, len(images), 32)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


STATIC: Mapping[str, dict[str, Any]] = {
    f"{kind.name}-{activation.name}-{weight.name}-{'channel' if per_channel else 'tensor'}": {
        "quant_format": kind,
        "activation_type": activation,
        "weight_type": weight,
        "per_channel": per_channel,
    }
    for kind in (QuantFormat.QDQ, QuantFormat.QOperator)
    for activation, weight in (
        (QuantType.QUInt8, QuantType.QInt8),
        (QuantType.QInt8, QuantType.QInt8),
        (QuantType.QUInt8, QuantType.QUInt8),
    )
    for per_channel in (False, True)
}
DYNAMIC: Mapping[str, dict[str, Any]] = {
    f"dynamic-{weight.name}-{'channel' if per_channel else 'tensor'}": {
        "weight_type": weight,
        "per_channel": per_channel,
    }
    for weight in (QuantType.QInt8, QuantType.QUInt8)
    for per_channel in (False, True)
}


def quantize(original: Float, kind: str, folder: Path) -> Model:
    """`original` as onnxruntime's quantizer writes it; `kind` is a key of `STATIC` or `DYNAMIC`."""
    source, target = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(original.model.proto, source)
    logging.disable(logging.WARNING)  # it recommends another tool
    try:
        if kind in STATIC:
            quantize_static(source, target, _Reader(original.images), **STATIC[kind])
        else:
            quantize_dynamic(source, target, **DYNAMIC[kind])
    finally:
        logging.disable(logging.NOTSET)
    return wrap(onnx.load(target))
