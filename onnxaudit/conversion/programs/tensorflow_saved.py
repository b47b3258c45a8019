"""A TensorFlow SavedModel, by tf2onnx."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

OPSET = 18


def convert(request: dict[str, Any], refuse_pickles: Callable[[], None]) -> tuple[Any, list[Any], str]:
    """Write the ONNX file; what a signature computes, the shape of its input (None: any batch), and its type."""
    import tensorflow as tf
    import tf2onnx  # noqa: F401 - missing, it is to be told at once

    refuse_pickles()
    loaded = tf.saved_model.load(request["source"])
    name = request["signature"] or "serving_default"
    if name not in loaded.signatures:
        told = ", ".join(loaded.signatures) or "none"
        raise ValueError(f"it has no signature {name!r} but {told}; give --signature")
    signature = loaded.signatures[name]
    wanted = signature.structured_input_signature[1]
    if len(wanted) != 1:
        raise ValueError(f"its signature {name!r} has {len(wanted)} inputs; a classifier has one")
    ((key, spec),) = wanted.items()
    shape = list(spec.shape)
    given = request["shape"] or (request["size"] and [*request["size"], shape[-1]])
    shape[1:] = [own or (given[at] if given and at < len(given) else None) for at, own in enumerate(shape[1:])]
    if None in shape[1:]:
        raise ValueError("it leaves sizes of its input free; give --input-shape")
    run_tf2onnx(["--saved-model", request["source"], "--signature_def", name], request["target"])

    def predict(inputs: Any) -> list[Any]:
        found = signature(**{key: tf.constant(inputs)})
        return [found[one].numpy() for one in sorted(found)]

    return predict, shape, spec.dtype.name


def run_tf2onnx(words: list[str], target: str) -> None:
    """Convert by tf2onnx's own command, whose exit code is 0 where an operator has no form in ONNX."""
    command = [sys.executable, "-I", "-m", "tf2onnx.convert", *words, "--output", target, "--opset", str(OPSET)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this interpreter
    told = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    refused = next((line for line in told if "not supported" in line), None)
    if refused is not None or done.returncode:
        raise ValueError(f"tf2onnx: {refused or (told[-1] if told else f'exit code {done.returncode}')}")
