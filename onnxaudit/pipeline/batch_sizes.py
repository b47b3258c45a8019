"""In which batch sizes a graph that counts its images may answer otherwise.

A graph can ask how many images it is given, and take another network for sixteen than for one. Asking in a few sizes
finds that by luck alone. What is computed of the count, and of nothing in the images, can be computed for any count
without an image, though: so it is, for a thousand counts, and where it departs from its own law (a number that grows
evenly with the count, rows that are all alike) stands a size that is worth asking in.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from onnxaudit.intake.working_copy import list_reads
from onnxaudit.pipeline.batch_counts import run_counts
from onnxaudit.runtime import Runtime

OBSERVED = (2, 3, 5)  # batches in which shapes are seen; how they grow follows from two, the third checks it
COUNTS = (*range(1, 130), 150, 199, 200, 250, 255, 256, 257, 300, 400, 499, 500, 511, 512, 513, 600, 750, 999, 1000)
COUNTS = (*COUNTS, 1023, 1024, 1025, 1500, 2000, 2048, 4096, 5000, 8192, 10_000)
LARGEST = 2**22  # bytes of what is computed of a count; what grows further is not followed
SECONDS = 1.0  # for all counts
MOST_SIZES = 6  # that are told
BRANCHING = frozenset(("If", "Loop", "Scan", "SequenceMap"))

Values = Mapping[str, Any]


@dataclass(kw_only=True)
class _Counting:
    """What of a graph follows from the number of images alone.

    Attributes:
        seen: tensors that hold shapes of what follows from the images.
        nodes: that compute with these, and nothing else but what is stored.
        read: tensors of them, or shapes themselves, that other nodes read.
    """

    seen: list[str] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    read: set[str] = field(default_factory=set)


def find_odd_sizes(runtime: Runtime, inputs: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Batch sizes in which something that follows from the number of images alone departs from its law.

    Args:
        runtime: the model.
        inputs: some images as the model takes them, one a row; their values do not matter.

    Raises:
        ModelError: onnxruntime fails on a small batch.
    """
    model = runtime.model
    counting = _find_counting(model.computed.graph, model.info.input.name)
    if model.info.input.batch is not None or not counting.read:
        return ()
    laws = _observe(runtime, inputs, counting.seen)
    if laws is None:
        return ()
    found = _compute(model.computed, counting, laws)
    return tuple(_list_odd(found))[:MOST_SIZES]


def _find_counting(graph: onnx.GraphProto, image: str) -> _Counting:
    followed, counted, found = {image}, set[str](), _Counting()
    for node in graph.node:  # in an order in which they can be computed
        reads = set(list_reads(node))
        if node.op_type in ("Shape", "Size") and not node.domain and reads & followed:
            found.seen.append(node.output[0])
            counted.add(node.output[0])
        elif reads & followed or (reads & counted and node.op_type in BRANCHING):
            followed.update(node.output)
            found.read.update(reads & counted)
        elif reads & counted:
            counted.update(node.output)
            found.nodes.append(node)
    return found


def _observe(runtime: Runtime, inputs: Any, names: Sequence[str]) -> dict[str, tuple[Any, Any]] | None:
    """For each shape what it is at no image and what each image adds; None where one does not grow evenly."""
    runs = []
    for count in OBSERVED:
        batch = inputs[np.arange(count) % len(inputs)]
        runs.append(runtime.run(batch, names))
    laws = {}
    for name in names:
        first, second, third = (np.asarray(run[name], np.int64) for run in runs)
        if not first.shape == second.shape == third.shape:
            return None
        slope = second - first
        start = first - OBSERVED[0] * slope
        if not np.array_equal(start + OBSERVED[2] * slope, third):
            return None
        laws[name] = (start, slope)
    return laws


def _compute(proto: onnx.ModelProto, counting: _Counting, laws: Mapping[str, tuple[Any, Any]]) -> dict[int, Values]:
    """What is read of each count, as far as time and memory go."""
    run, start = run_counts(proto, counting.nodes, list(laws), sorted(counting.read)), time.monotonic()
    found: dict[int, Values] = {}
    for count in COUNTS:
        values = run({name: first + count * slope for name, (first, slope) in laws.items()})
        if values is None or time.monotonic() - start > SECONDS:
            break
        found[count] = values
        if sum(value.nbytes for value in values.values()) > LARGEST:
            break
    return found


def _list_odd(found: Mapping[int, Values]) -> Iterator[int]:
    """Counts at which a value is another than most other counts have it."""
    for name in sorted({name for values in found.values() for name in values}):
        rows = _reduce({count: _to_numbers(values[name]) for count, values in found.items()})
        shapes = Counter(row.shape for row in rows.values())
        usual = max(shapes, key=lambda shape: shapes[shape])
        yield from (count for count, row in rows.items() if row.shape != usual)
        yield from _depart({count: row for count, row in rows.items() if row.shape == usual})


def _to_numbers(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind in "iufb" else array


def _reduce(values: dict[int, Any]) -> dict[int, Any]:
    """One row of tensors that have one a image and all rows alike; else the tensors as they are."""
    if len({value.shape for value in values.values()}) == 1:
        return values
    return {
        count: value[:1] if value.ndim and len(value) > 1 and bool(np.all(value == value[:1])) else value
        for count, value in values.items()
    }


def _depart(rows: Mapping[int, Any]) -> Iterator[int]:
    """Counts whose row is not on the line through most others, entry by entry."""
    counts = np.array(sorted(rows), np.float64)
    if len(counts) < len(OBSERVED) or rows[int(counts[0])].dtype.kind != "f":
        return
    table = np.stack([rows[int(count)].ravel() for count in counts])
    slopes = np.diff(table, axis=0) / np.diff(counts)[:, None]
    slope = np.median(slopes, axis=0)
    start = np.median(table - counts[:, None] * slope, axis=0)
    off = np.abs(table - (start + counts[:, None] * slope)).max(axis=1, initial=0.0)
    yield from (int(count) for count in counts[off > 1e-6 * np.abs(table).max(initial=0.0)])
