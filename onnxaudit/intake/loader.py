"""`load_model`: from a path to a `Model` that has been read, checked and understood."""

from pathlib import Path

import onnx

from onnxaudit.errors import ModelError, RejectedError, UsageError
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.inputs import read_input
from onnxaudit.intake.model import Model
from onnxaudit.intake.outputs import list_smuggled, read_output
from onnxaudit.intake.precision import upcast
from onnxaudit.intake.reader import read_proto
from onnxaudit.intake.sizes import FindSize, Size, fix_input
from onnxaudit.intake.soundness import check_soundness, list_ambiguities
from onnxaudit.intake.validity import check_proto
from onnxaudit.intake.working_copy import add_head, make_canonical, sort_nodes
from onnxaudit.records import Irregularity, ModelInfo
from onnxaudit.records.irregularity import OTHER_ANSWERS

MOST_VALUES = 2**26  # of one image, as of one picture
MOST_CLASSES = 50_000  # ImageNet's longest list has 21,843
FIRST_OPSET = 1  # what a file older than IR version 3 means when it declares none


def load_model(
    path: str | Path, output: str | None = None, size: Size | None = None, find_size: FindSize | None = None
) -> Model:
    """Read an ONNX image classifier.

    Args:
        path: the `.onnx` file; external data are looked for in its folder.
        output: name of the classifying output, needed only where several could be it.
        size: height and width of the input, where the file leaves them free.
        find_size: tells them where the file leaves them free and `size` is not given.

    Raises:
        ModelError: missing, damaged, or not an image classifier; one line that says what, where, and what to do.
        RejectedError: readers of the file come to different models, or values are smuggled into its scores.
        UsageError: the file fixes another size than the one given.
    """
    path = Path(path)
    file = read_proto(path)
    try:
        check_soundness(file.proto)
        working = upcast(sort_nodes(make_canonical(file.proto, strange=file.unknown)))
        check_proto(working)
        taken = read_input(working, size, find_size)
        working = fix_input(working, taken.name, taken.shape(1))
        info = ModelInfo(
            path=str(path),
            sha256=file.sha256,
            bytes=file.bytes,
            opset=_opset(file.proto),
            producer=f"{file.proto.producer_name} {file.proto.producer_version}".strip(),
            input=taken,
            output=read_output(working, output),
        )
        _check_size(info)
    except (ModelError, UsageError) as error:
        raise type(error)(f"{path}: {error}") from error
    smuggled = (Irregularity(rule=OTHER_ANSWERS, place=place, says=says) for place, says in list_smuggled(working))
    irregularities = (*list_ambiguities(file.proto, file.repeated), *smuggled)
    if irregularities:
        raise RejectedError(info, irregularities)
    return make_model(file.proto, info, working)


def _check_size(info: ModelInfo) -> None:
    """Raise ModelError for images and numbers of classes that no scan could work through."""
    spec, classes = info.input, info.output.classes
    if spec.channels * spec.height * spec.width > MOST_VALUES:
        size = f"{spec.channels}x{spec.height}x{spec.width}"
        raise ModelError(f"input {spec.name!r} of {size}: more than {MOST_VALUES:,} values an image cannot be audited")
    if classes > MOST_CLASSES:
        raise ModelError(f"{classes:,} classes; models of more than {MOST_CLASSES:,} cannot be audited")


def make_model(proto: onnx.ModelProto, info: ModelInfo, working: onnx.ModelProto) -> Model:
    """The model of the vendor's `proto`, of which `working` is the same or a sorted, upcast or fixed copy."""
    working = add_head(working, info.output)
    return Model(proto, info, working=None if working is proto else working)


def _opset(proto: onnx.ModelProto) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in STANDARD_DOMAINS]
    return versions[0] if versions else FIRST_OPSET
