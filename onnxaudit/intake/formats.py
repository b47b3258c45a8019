"""What a file or folder is that is not an ONNX model, by its first bytes, and how an ONNX file is made of it.

Nothing is opened or unpacked: the formats of other frameworks can hold code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.files import SAVED_MODEL_FILE

ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Format:
    """A format that models come in.

    Attributes:
        name: what a message calls it.
        advice: what to do.
        holds: whether bytes are of this format.
    """

    name: str
    advice: str
    holds: Callable[[bytes], bool]


SAVED_MODEL = "a TensorFlow SavedModel; convert it with `python -m tf2onnx.convert --saved-model FOLDER --output FILE`"
KERAS_ADVICE = "load it with Keras, and write `model.export('model.onnx', format='onnx')`"
TORCH_ADVICE = "load it with PyTorch, and write `torch.onnx.export(model.eval(), (images,), 'model.onnx')`"
FORMATS = (
    Format("a Keras file", KERAS_ADVICE, lambda data: data.startswith(ZIP) and b"model.weights.h5" in data),
    Format("a Keras file (HDF5)", KERAS_ADVICE, lambda data: data.startswith(b"\x89HDF\r\n\x1a\n")),
    Format("a PyTorch file", TORCH_ADVICE, lambda data: data.startswith(ZIP) and b"data.pkl" in data),
    Format(
        "a pickle, perhaps a PyTorch file", TORCH_ADVICE, lambda data: data.startswith(b"\x80") and data[-1:] == b"."
    ),
    Format(
        "a TensorFlow Lite file",
        "convert it with `python -m tf2onnx.convert --tflite FILE --output model.onnx`",
        lambda data: data[4:8] == b"TFL3",
    ),
    Format(
        "a safetensors file", "it holds weights without a graph; export the model", lambda data: data[8:10] == b'{"'
    ),
    Format(
        "a Git LFS pointer, not the file itself",
        "fetch it with `git lfs pull`",
        lambda data: data.startswith(b"version https://git-lfs"),
    ),
)


def recognize_file(path: Path, data: bytes) -> str | None:
    """What a file that is not ONNX is and what to do about it; None where that cannot be told."""
    if path.name == SAVED_MODEL_FILE:
        return f"part of {SAVED_MODEL}"
    found = next((form for form in FORMATS if form.holds(data)), None)
    return None if found is None else f"{found.name}; {found.advice}"


def recognize_folder(path: Path) -> str:
    """What a folder is, or which ONNX file in it could be meant, and what to do about it."""
    if (path / SAVED_MODEL_FILE).is_file():
        return f"is {SAVED_MODEL}"
    files = sorted(
        file.relative_to(path).as_posix() for pattern in ("*.onnx", "*/*.onnx") for file in path.glob(pattern)
    )
    example = f", for instance {path / files[0]}" if files else "; clean images are named with --data"
    return f"is a folder; give the ONNX file itself{example}"
