"""How far an ONNX file computes what the framework computed, on the same random inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onnxaudit.errors import ParityError
from onnxaudit.runtime import open_bare_session
from onnxaudit.text import format_share

TOLERANCE = 1e-3  # of an input's largest output, or of 1: sums are added in another order


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The comparison: fields as in `records.Conversion`."""

    inputs: int
    max_difference: float
    agreement: float


def measure_parity(model: bytes, arrays: Path, batch: int) -> Parity:
    """Run the ONNX file on the inputs that the framework was given.

    Args:
        model: the file's bytes.
        arrays: an archive with the inputs `x` and the outputs `y0`, `y1`, ... that the framework made.
        batch: so many inputs are run at a time.

    Raises:
        ParityError: it has other outputs, or they differ by more than `TOLERANCE`.
    """
    with np.load(arrays, allow_pickle=False) as held:
        inputs = held["x"]
        wanted = [held[f"y{number}"] for number in range(len(held.files) - 1)]
    session = open_bare_session(model)
    name = session.get_inputs()[0].name
    runs = [session.run(None, {name: inputs[start : start + batch]}) for start in range(0, len(inputs), batch)]
    found = [np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*runs, strict=True)]
    pairs = _pair(wanted, found)
    if not pairs:
        told = [one.shape for one in found]
        raise ParityError(f"the ONNX file has outputs of shapes {told}, the original {[one.shape for one in wanted]}")
    # Not the built-in `max`, which passes over a NaN that does not come first.
    difference = float(np.max([_compare(one, other) for one, other in pairs]))
    agreement = min(_agree(one, other) for one, other in pairs)
    if not difference <= TOLERANCE:
        raise ParityError(
            f"the ONNX file computes something else than the original: outputs differ by {difference:.2g} of the "
            f"largest, and {format_share(agreement)} of {len(inputs)} random inputs get the same class; nothing was "
            f"kept"
        )
    return Parity(inputs=len(inputs), max_difference=difference, agreement=agreement)


def _pair(wanted: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Outputs in their order, where shapes agree for each; nothing otherwise."""
    if len(wanted) != len(found) or any(one.shape != other.shape for one, other in zip(wanted, found, strict=True)):
        return []
    return list(zip(wanted, found, strict=True))


def _compare(wanted: np.ndarray, found: np.ndarray) -> float:
    """The largest difference, as a share of the same input's largest output or of 1; NaN where either is.

    Of whole numbers one step is no difference: frameworks do not round halves the same way.
    """
    rows, step = len(wanted), int(np.issubdtype(wanted.dtype, np.integer))
    expected, got = (one.astype(np.float64).reshape(rows, -1) for one in (wanted, found))
    apart = np.maximum(np.abs(expected - got) - step, 0.0)
    return float(np.max(apart.max(1) / np.maximum(1.0, np.abs(expected).max(1))))


def _agree(wanted: np.ndarray, found: np.ndarray) -> float:
    if wanted.ndim < 2:
        return float(np.mean(wanted == found))
    rows = len(wanted)
    return float(np.mean(wanted.reshape(rows, -1).argmax(1) == found.reshape(rows, -1).argmax(1)))
