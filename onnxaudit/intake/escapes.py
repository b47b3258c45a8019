"""What a file tries through the names of its external data; looked at before anything that it names is opened.

Exporters write the bare name of a file beside the model. A path that is absolute, leads upwards, names a device or an
address, or the model itself, asks whoever follows it for other files of the machine. Of links in the folder this says
nothing: the file does not make them, and model caches are full of them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

import onnx

from onnxaudit.intake.external import list_external
from onnxaudit.intake.tensors import holds_twice
from onnxaudit.records import Irregularity
from onnxaudit.records.irregularity import AMBIGUOUS, READS_ELSEWHERE

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")  # a scheme or a drive
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # on Windows, in any folder
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LONGEST = 80  # characters of a stranger's text in a message


def list_escapes(name: str, proto: onnx.ModelProto) -> tuple[Irregularity, ...]:
    """What the model in the file called `name` tries; one entry for each place that it names."""
    found: dict[tuple[str, str], Irregularity] = {}
    for tensor in list_external(proto):
        for rule, what in _look_at(name, tensor):
            says = f"Tensor {tensor.name[:LONGEST]!r} {what}."
            found.setdefault((rule, what), Irregularity(rule=rule, place=tensor.name, says=says))
    return tuple(found.values())


def _look_at(name: str, tensor: onnx.TensorProto) -> Iterator[tuple[str, str]]:
    if holds_twice(tensor):
        yield AMBIGUOUS, "lies in the file and beside it: readers take the one or the other"
    counts = Counter(entry.key for entry in tensor.external_data)
    for key, count in counts.items():
        if key.startswith("__"):
            yield (
                READS_ELSEWHERE,
                f"sets {key[:LONGEST]!r} where its place in a file stands, which changes some readers",
            )
        if count > 1:
            yield AMBIGUOUS, f"says {key[:LONGEST]!r} of its place twice: readers take the one or the other"
    for entry in tensor.external_data:
        why = _find_escape(name, entry.value) if entry.key == "location" else ""
        if why:
            yield READS_ELSEWHERE, f"is to be read from {entry.value[:LONGEST]!r}, {why}"


def _find_escape(name: str, location: str) -> str:
    """Why no exporter would write this location; "" where one may."""
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if _CONTROL.search(location):
        return "which holds control characters"
    if _ADDRESS.match(location):
        return "which is an address or a drive"
    if posix.is_absolute() or windows.root:
        return "which is an absolute path"
    if ".." in windows.parts:
        return "which leads upwards"
    if any(_DEVICES.fullmatch(part) for part in windows.parts):
        return "which is a device on Windows"
    return "which is the model itself" if posix == PurePosixPath(name) else ""
