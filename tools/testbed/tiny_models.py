"""Small ONNX classifiers, built from ONNX text so that a test shows what it is about."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

HEADER = '<ir_version: 9, opset_import: ["" : 17], producer_name: "tests", producer_version: "1">'


def linear_weights(features: int, classes: int, seed: int = 0) -> dict[str, np.ndarray]:
    """`w` `(features, classes)` and `b` `(classes,)`."""
    generator = np.random.default_rng(seed)
    return {
        "w": generator.standard_normal((features, classes)).astype(np.float32),
        "b": generator.standard_normal(classes).astype(np.float32),
    }


def build(body: str, weights: Mapping[str, np.ndarray] | None = None) -> onnx.ModelProto:
    """A model whose graph is `body` in ONNX text, with `weights` as initializers."""
    model = parser.parse_model(f"{HEADER} {body}")
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in (weights or {}).items())
    return model


def linear_classifier(
    shape: str = "N, 1, 4, 4", *, features: int = 16, classes: int = 3, ending: str = "y = Identity(z)"
) -> onnx.ModelProto:
    """Flatten, Gemm to `z`, then `ending` to `y`."""
    body = f"""
    tiny (float[{shape}] x) => (float[N, {classes}] y) {{
        flat = Flatten(x)
        z = Gemm(flat, w, b)
        {ending}
    }}"""
    return build(body, linear_weights(features, classes))


def write(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    """Write `model` into `folder`."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def with_opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    """The same model under another opset version."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.opset_import[:]
    changed.opset_import.append(helper.make_opsetid("", version))
    return changed
