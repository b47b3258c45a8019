"""Exports Keras networks: by Keras 3's own `export`, and by tf2onnx from functions and from saved models."""

import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version

import keras
import onnx

from tests.exporters.making.catalogue import Entry, record
from tests.exporters.making.keras_networks import SIZE, make_network

BACKEND = keras.backend.backend()
# (architecture, head, batch that the file fixes or None, opset)
KERAS = [
    ("cnn", "softmax", None, 15),
    ("cnn", "logits", 1, 17),
    ("mlp", "several", None, 15),
    ("resnet", "softmax", None, 13),
    ("resnet", "logits", 1, 18),
    ("mobilenet", "softmax", 1, 15),
    ("vit", "logits", None, 17),
    ("vit", "softmax", 1, 15),
    ("lstm", "softmax", None, 15),
    ("gru", "logits", 1, 15),
    ("densenet", "sigmoid", None, 15),
    ("oddities", "logits", None, 15),
]
KERAS_ON_TORCH = [
    ("cnn", "softmax", None, 18),
]
TF2ONNX_FUNCTION = [
    ("cnn", "logits", None, 9),
    ("resnet", "logits", 1, 11),
    ("mobilenet", "logits", None, 18),
    ("lstm", "logits", 1, 15),
    ("oddities", "softmax", 1, 16),
]
TF2ONNX_SAVED = [
    ("cnn", "softmax", None, 13),
    ("densenet", "softmax", None, 12),
]


def main() -> None:
    """Write every model that this backend of Keras exports."""
    if BACKEND == "torch":
        record([export_keras("keras-torch", *model) for model in KERAS_ON_TORCH])
        return
    record([export_keras("keras", *model) for model in KERAS])
    record([export_function(*model) for model in TF2ONNX_FUNCTION])
    record([export_saved(*model) for model in TF2ONNX_SAVED])


def export_keras(exporter: str, architecture: str, head: str, batch: int | None, opset: int) -> Entry:
    """Through `Model.export(format="onnx")`."""
    network = make_network(architecture, head, batch)
    entry = describe(exporter, architecture, head, batch, opset)
    signature = [keras.InputSpec(shape=(batch, SIZE, SIZE, 3), dtype="float32", name="image")]
    network.export(entry.path, format="onnx", opset_version=opset, input_signature=signature, verbose=False)
    if head != "several":
        return entry
    return replace(entry, output=onnx.load(entry.path).graph.output[0].name)


def export_function(architecture: str, head: str, batch: int | None, opset: int) -> Entry:
    """Through `tf2onnx.convert.from_function`, the image's axes moved to NCHW."""
    import tensorflow as tf
    import tf2onnx

    network = make_network(architecture, head, batch)
    entry = describe("tf2onnx-function", architecture, head, batch, opset)
    signature = [tf.TensorSpec((batch, SIZE, SIZE, 3), tf.float32, name="image")]
    tf2onnx.convert.from_function(
        tf.function(lambda image: network(image)),
        signature,
        opset=opset,
        inputs_as_nchw=["image"] if opset > 9 else None,
        output_path=str(entry.path),
    )
    return entry


def export_saved(architecture: str, head: str, batch: int | None, opset: int) -> Entry:
    """Through a saved model and tf2onnx's command."""
    network = make_network(architecture, head, batch)
    entry = describe("tf2onnx-saved", architecture, head, batch, opset)
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        command = ["-m", "tf2onnx.convert", "--saved-model", ".", "--output", str(entry.path.resolve())]
        # Run in the folder: its path goes into the file's metadata.
        subprocess.run([sys.executable, *command, "--opset", str(opset)], check=True, cwd=folder)
    return entry


def describe(exporter: str, architecture: str, head: str, batch: int | None, opset: int) -> Entry:
    """The manifest's entry."""
    file = f"{exporter}-{architecture}-{head}-{batch or 'n'}-opset{opset}.onnx"
    route = f"keras {keras.__version__}, " + (
        f"torch {version('torch')}"
        if BACKEND == "torch"
        else f"tensorflow {version('tensorflow-cpu')}, tf2onnx {version('tf2onnx')}"
    )
    return Entry(file, exporter, route, architecture, head, batch)


if __name__ == "__main__":
    main()
