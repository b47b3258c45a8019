"""What can be told of a file that is rejected before it was read to the end."""

from pathlib import Path

import onnx

from onnxaudit.errors import ModelError, UsageError
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.inputs import read_input
from onnxaudit.intake.outputs import read_output
from onnxaudit.intake.sizes import Size
from onnxaudit.records import InputSpec, Layout, ModelInfo, OutputKind, OutputSpec

FIRST_OPSET = 1  # what a file older than IR version 3 means when it declares none
UNKNOWN = "?"


def sketch(
    path: Path, proto: onnx.ModelProto, *, sha256: str, size: int, output: str | None, wanted: Size | None
) -> ModelInfo:
    """The model as its file declares it, `?` for what it does not tell.

    Args:
        path: the file.
        proto: what it holds.
        sha256: of its bytes.
        size: in bytes.
        output: name of the classifying output, where the user gave one.
        wanted: height and width of the input, where the user gave them.
    """
    return ModelInfo(
        path=str(path),
        sha256=sha256,
        bytes=size,
        opset=find_opset(proto),
        producer=f"{proto.producer_name} {proto.producer_version}".strip(),
        input=_sketch_input(proto, wanted),
        output=_sketch_output(proto, output),
    )


def find_opset(proto: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model asks for."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in STANDARD_DOMAINS]
    return versions[0] if versions else FIRST_OPSET


def _sketch_input(proto: onnx.ModelProto, wanted: Size | None) -> InputSpec:
    try:
        return read_input(proto, wanted)
    except (ModelError, UsageError, ValueError, RuntimeError, IndexError, KeyError):
        return InputSpec(UNKNOWN, Layout.NC, 1, 1, 1, None)


def _sketch_output(proto: onnx.ModelProto, output: str | None) -> OutputSpec:
    try:
        return read_output(proto, output)
    except (ModelError, ValueError, RuntimeError, IndexError, KeyError):
        return OutputSpec(UNKNOWN, 0, OutputKind.LOGITS, UNKNOWN)
