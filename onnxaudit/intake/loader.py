"""`load_model`: from a path to a `Model` that has been read, checked and understood."""

from pathlib import Path

import onnx

from onnxaudit.errors import ModelError, RejectedError, UsageError
from onnxaudit.intake.ambiguities import list_ambiguities
from onnxaudit.intake.classical import add_logits
from onnxaudit.intake.inputs import read_input
from onnxaudit.intake.model import Model
from onnxaudit.intake.outputs import list_smuggled, read_output
from onnxaudit.intake.precision import upcast
from onnxaudit.intake.reader import ModelFile, read_proto
from onnxaudit.intake.sizes import FindSize, Size, fix_input
from onnxaudit.intake.sketch import find_opset, sketch
from onnxaudit.intake.soundness import check_soundness
from onnxaudit.intake.validity import check_proto
from onnxaudit.intake.working_copy import add_head, make_canonical, sort_nodes
from onnxaudit.records import Irregularity, ModelInfo
from onnxaudit.records.irregularity import OTHER_ANSWERS

MOST_VALUES = 2**26  # of one image, as of one picture
MOST_CLASSES = 50_000  # ImageNet's longest list has 21,843


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
    tricks = (*file.escapes, *list_ambiguities(file.proto, file.repeated))
    try:
        info, working = _understand(path, file, output, size, find_size)
    except (ModelError, UsageError, ValueError, RuntimeError) as error:
        if tricks:  # whatever else is wrong with it
            known = sketch(path, file.proto, sha256=file.sha256, size=file.bytes, output=output, wanted=size)
            raise RejectedError(known, tricks) from error
        if isinstance(error, ModelError | UsageError):
            raise type(error)(f"{path}: {error}") from error
        raise ModelError(f"{path}: not a valid ONNX model: {' '.join(str(error).split())[:300]}") from error
    smuggled = (Irregularity(rule=OTHER_ANSWERS, place=place, says=says) for place, says in list_smuggled(working))
    irregularities = (*tricks, *smuggled)
    if irregularities:
        raise RejectedError(info, irregularities)
    return make_model(file.proto, info, working)


def _understand(
    path: Path, file: ModelFile, output: str | None, size: Size | None, find_size: FindSize | None
) -> tuple[ModelInfo, onnx.ModelProto]:
    """What the file holds, and the working copy of it.

    Raises:
        ModelError: it is no image classifier that can be computed.
        UsageError: the file fixes another size than the one given.
    """
    if file.escapes:
        raise ModelError("its external data were not read")
    check_soundness(file.proto)
    working = add_logits(upcast(sort_nodes(make_canonical(file.proto, strange=file.unknown))))
    check_proto(working)
    taken = read_input(working, size, find_size)
    working = fix_input(working, taken.name, taken.shape(1))
    info = ModelInfo(
        path=str(path),
        sha256=file.sha256,
        bytes=file.bytes,
        opset=find_opset(file.proto),
        producer=f"{file.proto.producer_name} {file.proto.producer_version}".strip(),
        input=taken,
        output=read_output(working, output),
    )
    _check_size(info)
    return info, working


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
