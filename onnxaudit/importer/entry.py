"""A float entry: the input path of a graph that rounds, opened for gradients.

A model may take bytes, or round its input to whole numbers before it starts. No gradient passes whole numbers, so
the copy takes floats in the same range and computes with them as they are: what is a Cast to or from whole numbers
there is the identity here. Where the graph itself rounds (Round, Floor, Ceil, a Cast from floats, a division or an
interpolation of whole numbers) values are rounded here too, and gradients pass as if they were not. On whole inputs the
copy computes what onnxruntime computes; that is where parity is measured.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.dynamic_ranges import quantize_batches
from onnxaudit.importer.graph import Graph, Step
from onnxaudit.importer.ops.quantization import quantize_dynamically, round_through
from onnxaudit.importer.ops.resizing import resize
from onnxaudit.importer.registry import list_operators
from onnxaudit.importer.tensors import find_dtype
from onnxaudit.records import ElementType, InputSpec

CASTS = ("Cast", "CastLike")
# Operators that pictures pass on their way to the first layer.
ARITHMETIC = (
    "Abs",
    "Add",
    "Clip",
    "Div",
    "Max",
    "Mean",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Reciprocal",
    "Sqrt",
    "Sub",
    "Sum",
)
MOVES = ("Concat", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape", "Slice", "Split", "Squeeze", "Tile")
OTHERS = ("Transpose", "Unsqueeze", "CenterCropPad", "Resize", "Upsample", "Where", "Relu", "DequantizeLinear")
PATH = frozenset((*ARITHMETIC, *MOVES, *OTHERS, *CASTS, "Ceil", "Floor", "Round"))
NAMES = {version.function: name for (_, name), versions in list_operators().items() for version in versions}


def to_entry(x: Tensor, dtype: ElementType) -> Tensor:
    """A model input as the copy takes it: floats, in double precision for a model of such."""
    if dtype is ElementType.FLOAT64:
        return x.to(torch.float64)
    return x if x.is_floating_point() else x.to(torch.float32)


def open_entry(graph: Graph, spec: InputSpec) -> Graph:
    """The same graph for a float input, with gradients through the rounding on its path to the first layer."""
    path = {spec.name}
    whole = path & ({spec.name} if spec.dtype.integral else set())  # tensors of whole numbers, held as floats
    steps = []
    for step in graph.steps:
        name = NAMES.get(step.operator.function)
        if not path.intersection(step.inputs) or name not in PATH:
            steps.append(step)
            continue
        is_whole = bool(whole.intersection(step.inputs))
        kind = _find_target(step, graph) if name in CASTS else None
        steps.append(_open_cast(step, kind, is_whole) if kind is not None else _open(step, name, is_whole))
        path.update(step.outputs)
        if name != "DequantizeLinear" and (is_whole if kind is None else _is_whole(kind)):
            whole.update(step.outputs)
    return replace(graph, steps=tuple(steps))


def keep(x: Tensor) -> Tensor:
    """The identity."""
    return x


def floor_through(x: Tensor) -> Tensor:
    """`x` rounded down, with the gradient of the identity."""
    return x + (torch.floor(x) - x).detach()


def ceil_through(x: Tensor) -> Tensor:
    """`x` rounded up, with the gradient of the identity."""
    return x + (torch.ceil(x) - x).detach()


def truncate_through(x: Tensor) -> Tensor:
    """`x` rounded towards zero, with the gradient of the identity."""
    return x + (torch.trunc(x) - x).detach()


def divide_whole(a: Tensor, b: Tensor) -> Tensor:
    """A quotient of whole numbers that are held as floats, rounded towards zero."""
    return truncate_through(a / b)


def resize_whole(x: Tensor, *inputs: Any, **attributes: Any) -> Tensor:
    """Resize of whole numbers that are held as floats."""
    return truncate_through(resize(x, *inputs, **attributes))


ROUNDERS: dict[str, Callable[[Tensor], Tensor]] = {"Round": round_through, "Floor": floor_through, "Ceil": ceil_through}
ROUNDING: frozenset[Callable[..., Any]] = frozenset(
    (*ROUNDERS.values(), truncate_through, divide_whole, resize_whole, quantize_dynamically, quantize_batches)
)


def _open(step: Step, name: str, is_whole: bool) -> Step:
    """The step with gradients through its rounding."""
    if name in ROUNDERS:
        return _replace(step, keep if is_whole else ROUNDERS[name])
    if is_whole and name == "Div":
        return _replace(step, divide_whole)
    if is_whole and step.operator.function is resize and step.attributes.get("mode", "nearest") != "nearest":
        return _replace(step, resize_whole)
    return step


def _open_cast(step: Step, kind: torch.dtype, is_whole: bool) -> Step:
    if not _is_whole(kind):
        return step
    first = replace(step, attributes={}, inputs=step.inputs[:1])
    return _replace(first, keep if is_whole else truncate_through)


def _replace(step: Step, function: Callable[..., Any]) -> Step:
    return replace(step, operator=replace(step.operator, function=function))


def _find_target(step: Step, graph: Graph) -> torch.dtype:
    """The type that a Cast or CastLike gives; float32 where it follows a tensor computed on the way."""
    if "to" in step.attributes:
        return find_dtype(step.attributes["to"])
    stored = {**graph.constants, **graph.weights}.get(step.inputs[1])
    return torch.float32 if stored is None else stored.dtype


def _is_whole(kind: torch.dtype) -> bool:
    return not (kind.is_floating_point or kind is torch.bool)
