"""A TensorFlow Lite file, by tf2onnx."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any


def convert(request: dict[str, Any], refuse_pickles: Callable[[], None]) -> tuple[Any, list[Any], str]:
    """Write the ONNX file; what the file computes, the shape of its input, and its type."""
    import tensorflow as tf
    import tf2onnx  # noqa: F401 - missing, it is to be told at once

    refuse_pickles()
    interpreter = tf.lite.Interpreter(model_path=request["source"])
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs; a classifier has one")
    beside = runpy.run_path(str(Path(__file__).with_name("tensorflow_saved.py")))
    beside["run_tf2onnx"](["--tflite", request["source"]], request["target"])

    def predict(rows: Any) -> list[Any]:
        interpreter.set_tensor(inputs[0]["index"], rows)
        interpreter.invoke()
        return [interpreter.get_tensor(one["index"]).copy() for one in outputs]

    return predict, [int(size) for size in inputs[0]["shape"]], inputs[0]["dtype"].__name__
