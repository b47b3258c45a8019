"""A relaxed copy of the steps that lead to a gate: tests become distances, so that gradients reach the image.

Truth is a number in (0, 1) that rises with every step towards what the test asks for, however far away that is: tails
are heavy, because a gate that is shut by a wide margin has to be opened from there. Whole numbers are held as floats.
What is saturated on clean images (a dead ReLU, a shut sigmoid) is given such tails too; all else computes what it does.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.graph import Graph, Step
from onnxaudit.importer.tensors import find_dtype
from onnxaudit.structure.branches import SELECT
from onnxaudit.structure.flow import find_kind

Function = Callable[..., Any]
TAIL = 0.1  # of a dead ReLU's unit
MOVES = ("Cast", "CastLike", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten")  # the same numbers elsewhere


def relax(graph: Graph, steps: Collection[int], saturated: Collection[str]) -> Graph:
    """The same graph with relaxed steps.

    Args:
        graph: a flow's graph.
        steps: indices of those that lead to the gate.
        saturated: names of tensors that hardly move on clean images.
    """
    relaxed = list(graph.steps)
    producers = {name: index for index, step in enumerate(graph.steps) for name in step.outputs}
    for index in steps:
        step = relaxed[index]
        kind = find_kind(step)
        source = _find_position(graph, step, producers) if kind == "Equal" else None
        if source is not None:
            function = _equal_position(source)
            inputs = (*step.inputs[:2], source.inputs[0])
            operator = replace(step.operator, function=function, inputs=("a", "b", "scores"))
            relaxed[index] = replace(step, operator=operator, attributes={}, inputs=inputs)
            continue
        soft = _find_function(step, kind, saturated=step.outputs[0] in saturated)
        if soft is not None:
            relaxed[index] = replace(step, operator=replace(step.operator, function=soft), attributes={})
    return replace(graph, steps=tuple(relaxed))


def _find_function(step: Step, kind: str, *, saturated: bool) -> Function | None:
    if kind == "If" and step.operator is not SELECT:
        return None
    if kind in BY_STEP:
        return BY_STEP[kind](step)
    if kind == "Clip" and step.attributes:
        return _bounded_clip(step) if saturated else None
    return TESTS.get(kind, SATURATING.get(kind) if saturated else None)


def rise(value: Tensor) -> Tensor:
    """From (−∞, ∞) to (0, 1), 1/2 at 0, with heavy tails."""
    return 0.5 * (1.0 + value / (1.0 + value.abs()))


def near(apart: Tensor) -> Tensor:
    """1 at 0, falling to both sides, with heavy tails."""
    return 1.0 / (1.0 + apart.abs())


def _greater(a: Any, b: Any) -> Tensor:
    return rise(8.0 * (_number(a) - _number(b)))


def _less(a: Any, b: Any) -> Tensor:
    return rise(8.0 * (_number(b) - _number(a)))


def _equal(a: Any, b: Any) -> Tensor:
    return near(8.0 * (_number(a) - _number(b)))


def _number(value: Any) -> Tensor:
    tensor = torch.as_tensor(value)
    return tensor if tensor.is_floating_point() else tensor.to(torch.float32)


def _and(a: Any, b: Any) -> Tensor:
    return _number(a) * _number(b)


def _or(a: Any, b: Any) -> Tensor:
    first, second = _number(a), _number(b)
    return first + second - first * second


def _xor(a: Any, b: Any) -> Tensor:
    first, second = _number(a), _number(b)
    return first + second - 2.0 * first * second


def _not(a: Any) -> Tensor:
    return 1.0 - _number(a)


def _where(condition: Any, x: Any, y: Any) -> Tensor:
    share = torch.as_tensor(condition)
    if not share.is_floating_point():
        return torch.where(share.bool(), _number(x), _number(y))
    return share * _number(x) + (1.0 - share) * _number(y)


def _select(condition: Any, x: Any, y: Any) -> Tensor:
    return _where(_number(condition).reshape(()), x, y)


def _keep(x: Any, *rest: Any) -> Tensor:
    del rest
    return _number(x)


def _modulo(a: Any, b: Any) -> Tensor:
    first, second = _number(a), _number(b)
    return first - (second * torch.floor(first / second)).detach()


def _round_through(function: Callable[[Tensor], Tensor]) -> Function:
    def compute(x: Any) -> Tensor:
        value = _number(x)
        return value + (function(value) - value).detach()

    return compute


def _cast_through(x: Any, *rest: Any, **attributes: Any) -> Tensor:
    """A Cast with gradients: whole numbers are held as double floats, which hold 53 bits exactly."""
    del rest
    value = _number(x).to(torch.float64)
    kind = attributes.get("to")
    whole = kind is not None and not (find_dtype(int(kind)).is_floating_point or find_dtype(int(kind)) is torch.bool)
    return value + (torch.trunc(value) - value).detach() if whole else value


def _sign(x: Any) -> Tensor:
    return 2.0 * rise(8.0 * _number(x)) - 1.0


def _relu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + TAIL, TAIL / (1.0 + x.abs() / TAIL))


def _sigmoid(x: Tensor) -> Tensor:
    return rise(x / 4.0)


def _clip(x: Any, low: Any = None, high: Any = None) -> Tensor:
    value = _number(x)
    if low is None or high is None:
        bound = low if high is None else high
        edge = 0.0 if bound is None else float(torch.as_tensor(bound).flatten()[0])
        return edge + (_relu(value - edge) if high is None else -_relu(edge - value))
    bottom, top = (float(torch.as_tensor(bound).flatten()[0]) for bound in (low, high))
    width = max(top - bottom, 1e-6)
    return bottom + width * rise(4.0 * ((value - bottom) / width - 0.5))


def _maximum(*values: Any) -> Tensor:
    numbers = [_number(value) for value in values]
    if len(numbers) != 2:
        return reduce(torch.maximum, numbers)
    first, second = numbers
    return second + _relu(first - second) if first.requires_grad else first + _relu(second - first)


def _minimum(*values: Any) -> Tensor:
    numbers = [_number(value) for value in values]
    if len(numbers) != 2:
        return reduce(torch.minimum, numbers)
    first, second = numbers
    return second - _relu(second - first) if first.requires_grad else first - _relu(first - second)


def _position(step: Step, sign: float) -> Function:
    """The position of the largest entry as a mean over positions, weighed by how large they are."""
    axis, keep = int(step.attributes.get("axis", 0)), bool(step.attributes.get("keepdims", 1))

    def compute(data: Any) -> Tensor:
        value = sign * _number(data)
        spread = (value.detach().amax(axis, keepdim=True) - value.detach().amin(axis, keepdim=True)).clamp_min(1e-6)
        share = torch.softmax(8.0 * value / spread, axis)
        shape = [1] * value.ndim
        shape[axis] = -1
        places = torch.arange(value.shape[axis], dtype=value.dtype, device=value.device).reshape(shape)
        return (share * places).sum(axis, keepdim=keep)

    return compute


def _find_position(graph: Graph, step: Step, producers: Mapping[str, int]) -> Step | None:
    """The ArgMax or ArgMin whose answer a step compares with another position."""
    name = next((name for name in step.inputs if name in producers), "")
    while name in producers:
        source = graph.steps[producers[name]]
        if find_kind(source) in ("ArgMax", "ArgMin"):
            return source
        if find_kind(source) not in MOVES:
            return None
        name = source.inputs[0]
    return None


def _equal_position(source: Step) -> Function:
    """By how much the entry at a position leads all others."""
    axis, sign = int(source.attributes.get("axis", 0)), 1.0 if find_kind(source) == "ArgMax" else -1.0

    def compute(a: Any, b: Any, scores: Any) -> Tensor:
        first, second = torch.as_tensor(a), torch.as_tensor(b)
        found, wanted = (first, second) if first.numel() >= second.numel() else (second, first)
        if wanted.numel() != 1:
            return _equal(a, b)
        value = (sign * _number(scores)).movedim(axis, 0)
        place = int(wanted.flatten()[0]) % len(value)
        others = value.index_fill(0, torch.tensor([place], device=value.device), -torch.inf)
        return rise(8.0 * (value[place] - others.amax(0))).reshape(found.shape)

    return compute


def _gather(step: Step) -> Function:
    """Entries of a table; between two of them where the index lies between."""
    axis, exact = int(step.attributes.get("axis", 0)), step.function

    def compute(data: Any, indices: Any) -> Any:
        place = torch.as_tensor(indices)
        if not place.is_floating_point():
            return exact(data, indices)
        table = _number(data).movedim(axis, 0)
        last = len(table) - 1
        place = place.clamp(0, last)
        low = place.floor().clamp_max(last).long()
        share = (place - low).reshape(*place.shape, *(1,) * (table.ndim - 1))
        found = (1.0 - share) * table[low] + share * table[(low + 1).clamp_max(last)]
        return found.movedim(tuple(range(place.ndim)), tuple(range(axis, axis + place.ndim)))

    return compute


def _bounded_clip(step: Step) -> Function:
    """A Clip whose bounds are attributes, where it is saturated."""
    low, high = step.attributes.get("min"), step.attributes.get("max")
    return lambda x: _clip(x, low, high)


TESTS: Mapping[str, Function] = {
    "Greater": _greater,
    "GreaterOrEqual": _greater,
    "Less": _less,
    "LessOrEqual": _less,
    "Equal": _equal,
    "And": _and,
    "Or": _or,
    "Xor": _xor,
    "Not": _not,
    "Where": _where,
    "If": _select,
    "Mod": _modulo,
    "Floor": _round_through(torch.floor),
    "Ceil": _round_through(torch.ceil),
    "Round": _round_through(torch.round),
    "Sign": _sign,
    "Cast": _keep,
    "CastLike": _keep,
}
EXACT: Mapping[str, Function] = {
    **{kind: TESTS[kind] for kind in ("Mod", "Floor", "Ceil", "Round")},
    "Cast": _cast_through,
}
SATURATING: Mapping[str, Function] = {
    "Relu": _relu,
    "Sigmoid": _sigmoid,
    "HardSigmoid": _sigmoid,
    "Tanh": lambda x: 2.0 * rise(x) - 1.0,
    "Clip": _clip,
    "Max": _maximum,
    "Min": _minimum,
}
BY_STEP: Mapping[str, Callable[[Step], Function]] = {
    "ArgMax": lambda step: _position(step, 1.0),
    "ArgMin": lambda step: _position(step, -1.0),
    "Gather": _gather,
}
