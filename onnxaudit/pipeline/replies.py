"""What a file's outputs say of images: every output asked through onnxruntime, and read as classes and scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.data.preprocessing import preprocess
from onnxaudit.errors import ModelError
from onnxaudit.records import Floats
from onnxaudit.runtime import Runtime

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reply:
    """What one output says of each image: a class, and its scores where it has any."""

    classes: Array
    scores: Array | None = None


def ask(runtime: Runtime, images: Floats, size: int) -> dict[str, Any]:
    """Every output and the audited logits, in batches of `size`; the last is filled up where the file fixes it."""
    info = runtime.model.info
    names = list(dict.fromkeys([*(value.name for value in runtime.model.computed.graph.output), info.output.logits]))
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for start in range(0, len(images), size):
        chunk = images[start : start + size]
        missing = size - len(chunk) if info.input.batch else 0
        filled = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)]) if missing else chunk
        inputs = preprocess(filled, runtime.preprocessing, info.input.layout)
        for name, value in runtime.run(inputs, names).items():
            rows = len(value) if isinstance(value, list) or np.ndim(value) else 0
            if rows == len(filled):
                parts[name].append(value[: len(chunk)])
    whole = {name: found for name, found in parts.items() if sum(map(len, found)) == len(images)}
    if info.output.logits not in whole:
        raise ModelError(f"{info.path}: tensor {info.output.logits!r} has not one row an image")
    return {name: _join(found) for name, found in whole.items()}


def read_reply(value: Any, count: int, classes: int) -> Reply | None:
    """What an output says of `count` images; None where it cannot be about classes."""
    if isinstance(value, list):
        if len(value) == count and all(isinstance(one, dict) and one for one in value):
            return _number([find_largest(one) for one in value])
        return None
    if not isinstance(value, np.ndarray) or value.ndim == 0 or len(value) != count:
        return None
    rows = arrange(value, count)
    if value.dtype.kind == "f" and rows.shape[1] > 1:
        return Reply(classes=np.nan_to_num(rows, nan=-np.inf).argmax(1), scores=rows)
    if value.dtype.kind == "f":
        low = 0.0 if (rows < 0).any() else 0.5
        return Reply(classes=(rows[:, 0] > low).astype(np.int64)) if classes == 2 else None
    if value.dtype.kind in "iu" and rows.shape[1]:
        return Reply(classes=rows[:, 0].astype(np.int64))
    return _number(list(rows[:, 0])) if value.dtype.kind in "OU" and rows.shape[1] == 1 else None


def _number(names: list[Any]) -> Reply:
    if all(isinstance(name, int | np.integer) for name in names):
        return Reply(classes=np.array(names, np.int64))
    known = {name: place for place, name in enumerate(dict.fromkeys(map(str, names)), start=2**20)}
    return Reply(classes=np.array([known[str(name)] for name in names], np.int64))


def arrange(value: Array, count: int) -> Array:
    """What an output says, a row for each of `count` images."""
    return value.reshape(count, -1)


def find_largest(scores: dict[Any, Any]) -> Any:
    """The key with the largest value."""
    return max(scores, key=lambda key: float(scores[key]))


def _join(parts: list[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [one for part in parts for one in part]
