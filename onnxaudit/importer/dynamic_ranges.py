"""Ranges that follow the values, image by image.

DynamicQuantizeLinear and its kin take the scale from the range of their whole input. In a file of fixed batch that is
the range of one batch; where the batch is made free, each batch keeps a range of its own, so that many images in one
pass give what they give one by one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from onnxaudit.importer.graph import Step
from onnxaudit.importer.ops import microsoft_quantized as microsoft
from onnxaudit.importer.ops.quantization import dequantize, quantize_dynamically, quantize_in_range
from onnxaudit.importer.registry import make_operator

Place = tuple[tuple[str, int], ...]
"""Where the batches are in a tensor: `axis`, `outer` and `size` of `part_ranges`."""

# Operators that quantize their first input by its range, and what is left of them once that is done.
REST: dict[Callable[..., Any], Callable[..., Any]] = {
    microsoft.multiply_with_quantized: microsoft.multiply_with_codes,
    microsoft.run_quantized_lstm: microsoft.run_lstm_with_codes,
}


def follows_range(step: Step) -> bool:
    """Whether a step takes the scale of its first input from the range of that input."""
    return step.operator.function is quantize_dynamically or step.operator.function in REST


def part_ranges(step: Step, *, axis: int, outer: int, size: int) -> list[Step]:
    """A step for which `follows_range`, with a range for each batch.

    Args:
        step: what to replace.
        axis: of the first input, which holds the batches.
        outer: how many other entries are merged into `axis` before the batch.
        size: of `axis` at the file's own batch.
    """
    place = {"axis": axis, "outer": outer, "size": size}
    if step.operator.function is quantize_dynamically:
        return [Step(step.name, QUANTIZE, place, step.inputs, step.outputs, {})]
    rounded = f"{step.inputs[0]} rounded for {step.outputs[0]}"
    before = Step(f"input of {step.name}", ROUND, place, step.inputs[:1], (rounded,), {})
    operator = replace(step.operator, function=REST[step.operator.function])
    return [before, replace(step, operator=operator, inputs=(rounded, *step.inputs[1:]))]


def find_span(x: Tensor, place: Place | None, *, lowest: bool = True) -> tuple[Tensor, Tensor]:
    """The smallest and the largest value of `x`, or of each batch in it, spread out as the scale of `x`.

    Args:
        x: the values.
        place: of the batches, as `part_ranges` has it; None: one range for all.
        lowest: whether the smallest is wanted; the largest is there twice otherwise.
    """
    if place is None:  # one pass each: faster than `torch.aminmax`
        high = x.amax()
        return (x.amin() if lowest else high), high
    axis, outer, size = (dict(place)[name] for name in ("axis", "outer", "size"))
    batches = (outer, x.shape[axis] // size, size // outer)
    parts = x.reshape(*x.shape[:axis], *batches, *x.shape[axis + 1 :])
    others = [index for index in range(parts.ndim) if index != axis + 1]
    spread = [-1 if index not in range(axis, axis + 3) else batches[index - axis] for index in range(parts.ndim)]
    high = parts.amax(others, True)
    low = parts.amin(others, True) if lowest else high
    return low.expand(spread).flatten(axis, axis + 2), high.expand(spread).flatten(axis, axis + 2)


def quantize_batches(x: Tensor, *, axis: int, outer: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of `x`, and scale and zero point of shape `(1, ..., n, ..., 1)`, one for each entry of `axis`."""
    return quantize_in_range(x, *find_span(x, (("axis", axis), ("outer", outer), ("size", size))))


def round_batches(x: Tensor, *, axis: int, outer: int, size: int) -> Tensor:
    """`x` as its codes stand for it."""
    return dequantize(*quantize_batches(x, axis=axis, outer=outer, size=size))


QUANTIZE = make_operator(quantize_batches, "x")
ROUND = make_operator(round_batches, "x")
