"""Small models for the importer's tests."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from onnxaudit.intake import Model
from onnxaudit.intake.inputs import read_input
from onnxaudit.intake.loader import make_model as build_model
from onnxaudit.intake.outputs import read_output
from onnxaudit.records import ModelInfo
from tools.testbed.tiny_models import build, with_opset

CONV = """
tiny (float[{batch}, 1, 6, 6] x) => (float[{batch}, 3] y) {{
    c = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
    n = BatchNormalization <epsilon = 0.01> (c, scale, shift, mean, var)
    r = Relu(n)
    p = GlobalAveragePool(r)
    f = Flatten(p)
    z = Gemm(f, w2, b2)
    {ending}
}}"""


def conv_weights(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    return {
        "w1": draw(4, 1, 3, 3),
        "b1": draw(4),
        "scale": draw(4),
        "shift": draw(4),
        "mean": draw(4),
        "var": np.abs(draw(4)) + 0.5,
        "w2": draw(4, 3),
        "b2": draw(3),
    }


def conv_model(batch: str = "N", ending: str = "y = Identity(z)") -> Model:
    """Convolution, batch normalization, pool and a fully connected layer `z`; classes 3, images `(1, 6, 6)`."""
    return make_model(CONV.format(batch=batch, ending=ending), conv_weights())


def make_model(body: str, weights: Mapping[str, np.ndarray] | None = None, opset: int | None = None) -> Model:
    """A `Model` of ONNX text."""
    proto = build(body, weights)
    return wrap(proto if opset is None else with_opset(proto, opset))


def wrap(proto: onnx.ModelProto, **changes: Any) -> Model:
    """A `Model` of a protobuf that no file holds."""
    opset = next(entry.version for entry in proto.opset_import if entry.domain == "")
    info = ModelInfo(
        path="tiny.onnx",
        sha256="",
        bytes=0,
        opset=opset,
        producer="tests",
        input=read_input(proto),
        output=read_output(proto),
        **changes,
    )
    return build_model(proto, info, proto)
