"""Edges that nothing depends on, as far as clean images and usual changes of them show."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.plan import call
from onnxaudit.structure.copy import Copy
from onnxaudit.structure.flow import Edge, selects

LOCAL_CHANGE = 0.25  # of what the merged values differ by over images; what an idle edge may change
STILL = 0.02  # of one: a tensor that moves less on clean images is as good as constant
NEARLY = 1e-3
FEW = 0.1  # of the truths of one image; where more differ, its test has come out otherwise
ALIKE = 0.95  # of the clean images alone: what is the same on these, and only these, tells them from an audit's
IDLE_SHARE = 0.8  # of the images on which an edge has to be idle


@dataclass(frozen=True, kw_only=True, eq=False)
class Dormant:
    """An edge that is idle on clean images.

    Attributes:
        edge: where.
        usual: its value on them, one row.
        idle: share of the clean images on which it is.
        still: whether it hardly moves; else it moves, and nothing follows.
    """

    edge: Edge
    usual: Tensor
    idle: float
    still: bool


def find_dormant(copy: Copy, clean: Tensor, changed: Tensor) -> tuple[Dormant, ...]:
    """Edges whose value can be held at the clean images' own without any effect where it is read.

    Args:
        copy: the network.
        clean: model inputs of clean images, the first of which show what is usual.
        changed: model inputs of usual changes of them.
    """
    if not copy.flow.edges:
        return ()
    usual = _find_usual(copy, clean)
    images = torch.cat([clean, changed])
    measured = _measure(copy, images, usual)
    found = []
    for edge in copy.flow.edges:
        change, limit = torch.cat(measured.changes[edge.alias]), LOCAL_CHANGE * measured.spread[edge.merge]
        idle, near = (change <= limit).double(), torch.tensor(measured.still[edge.alias]).double()
        first = slice(len(clean))
        if float(idle.mean()) >= IDLE_SHARE or float((idle * near.to(idle.device))[first].mean()) >= ALIKE:
            still = float(near[first].mean()) >= IDLE_SHARE
            found.append(Dormant(edge=edge, usual=usual[edge.alias], idle=float(idle[first].mean()), still=still))
    return tuple(found)


def needs_single_images(copy: Copy, inputs: Tensor) -> bool:
    """Whether what one image does depends on how many there are: no row an image, or numbers that follow the batch."""
    names = [name for edge in copy.flow.edges for name in (edge.alias, edge.merge)]
    three = inputs[:1].expand(3, *inputs.shape[1:])
    with torch.inference_mode():
        found, alone = copy.read(three, [*names, *copy.flow.sizes]), copy.read(inputs[:1], copy.flow.sizes)
    return any(found[name].ndim == 0 or len(found[name]) != len(three) for name in names) or any(
        bool(found[name].double().amax() != value.double().amax())
        or bool(found[name].double().amin() != value.double().amin())
        for name, value in alone.items()
    )


def _find_usual(copy: Copy, clean: Tensor) -> dict[str, Tensor]:
    names = [edge.alias for edge in copy.flow.edges]
    with torch.inference_mode():
        values = copy.read(clean[: copy.chunk(*clean.shape[-2:])], names)
    return {name: take_median(value) for name, value in values.items()}


def take_median(value: Tensor) -> Tensor:
    """What is usual among rows: one row."""
    if value.dtype is torch.bool:
        return (value.double().mean(0, keepdim=True) > 0.5).to(torch.bool)
    return value.median(0, keepdim=True).values


@dataclass(frozen=True, eq=False)
class _Measured:
    """What images show.

    Attributes:
        spread: by merge, how much its values differ over images.
        changes: by edge, what each image's merged value changes by when it is held.
        still: by edge, for each image whether it hardly differs from what is usual.
    """

    spread: dict[str, float]
    changes: dict[str, list[Tensor]]
    still: dict[str, list[bool]]


def _measure(copy: Copy, images: Tensor, usual: dict[str, Tensor]) -> _Measured:
    edges, merges = copy.flow.edges, {edge.merge for edge in copy.flow.edges}
    names = [name for edge in edges for name in (edge.alias, edge.merge, *_list_read(copy, edge))]
    wanted = list(dict.fromkeys(names))
    found = _Measured({}, {edge.alias: [] for edge in edges}, {edge.alias: [] for edge in edges})
    centers: dict[str, Tensor] = {}
    squares = dict.fromkeys(merges, 0.0)
    step = copy.chunk(*images.shape[-2:])
    with torch.inference_mode():
        for start in range(0, len(images), step):
            values = copy.read(images[start : start + step], wanted)
            for merge in merges:
                value = _as_float(values[merge])
                center = centers.setdefault(merge, value.mean(0, keepdim=True))
                squares[merge] += float((value - center).square().reshape(len(value), -1).mean(1).sum())
            for edge in edges:
                value, own = values[edge.alias], usual[edge.alias]
                change = _hold_locally(copy, edge, values, own)
                if value.dtype is torch.bool:  # a test that comes out either way has something to do
                    other = (value != own).reshape(len(change), -1)
                    change = torch.where(other.double().mean(1) > FEW, torch.inf, change)
                found.changes[edge.alias].append(change)
                found.still[edge.alias] += is_near(value, own).tolist()
    found.spread.update({name: (total / len(images)) ** 0.5 for name, total in squares.items()})
    return found


def is_near(value: Tensor, usual: Tensor) -> Tensor:
    """For each row whether it hardly differs from one that is usual."""
    apart = (value.double() - usual.double()).abs().reshape(len(value), -1).amax(1)
    near: Tensor = apart <= max(NEARLY, STILL * min(1.0, float(usual.double().abs().amax())))
    return near


def _list_read(copy: Copy, edge: Edge) -> list[str]:
    """What the reader of an edge reads besides, where it has to be computed."""
    step = copy.flow.graph.steps[edge.step]
    return [
        name
        for position, name in enumerate(step.inputs)
        if name != MISSING and position not in step.values and name in copy.flow.producers
    ]


def _hold_locally(copy: Copy, edge: Edge, values: dict[str, Tensor], usual: Tensor) -> Tensor:
    """For each image the root mean square by which the merged value changes when the edge is held."""
    step, count = copy.flow.graph.steps[edge.step], len(values[edge.merge])
    if not copy.alone:
        held = usual.expand(count, *usual.shape[1:])
        made = _compute(copy, step, values | {edge.alias: held})
    else:
        rows = [{name: value[row] for name, value in values.items()} for row in range(count)]
        made = torch.stack([_compute(copy, step, row | {edge.alias: usual[0]}) for row in rows])
    if made.shape != values[edge.merge].shape:
        return torch.full((count,), torch.inf)
    apart = _as_float(made) - _as_float(values[edge.merge])
    return torch.nan_to_num(apart, nan=torch.inf).flatten(1).square().mean(1).sqrt() if apart.ndim > 1 else apart.abs()


def _compute(copy: Copy, step: Step, values: dict[str, Tensor]) -> Tensor:
    graph = copy.flow.graph
    stored = {**graph.constants, **graph.weights}
    inputs = [
        step.values[position]
        if position in step.values
        else None
        if name == MISSING
        else values[name]
        if name in values
        else stored.get(name)
        for position, name in enumerate(step.inputs)
    ]
    made = call(step.name, step.function, inputs)
    first: Tensor = made[[bool(name) for name in step.outputs].index(True)] if isinstance(made, tuple) else made
    return first


def _as_float(value: Tensor) -> Tensor:
    return value if value.is_floating_point() else value.double()


def list_gates(copy: Copy, dormant: tuple[Dormant, ...]) -> Iterator[Dormant]:
    """Of the edges of one step that decide whether the others count; still ones first, then those near the logits.

    Where a condition chooses, it is the condition; elsewhere, an edge that hardly moves at all, or each.
    """
    chosen = [
        one for one in reversed(dormant) if one.edge.position == 0 or not selects(copy.flow.graph.steps[one.edge.step])
    ]
    yield from sorted(chosen, key=lambda one: not one.still)
