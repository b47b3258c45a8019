"""Ways from the image to the scores that do not lead through the trunk, and are never idle.

A part that sleeps on clean images is found by that (`dormancy.py`). One that adds a little to the scores of every
image, and everything to those of triggered ones, is found by where it lies: it holds few of the weights, shares next to
none with the trunk, and joins behind it, so that what it says is not judged by any layer.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from onnxaudit.structure.flow import Edge, Flow, list_values

FEW = 0.1  # of all weights: what the way holds itself, shares with the trunk, and has before it behind the meeting
MOST = 0.5  # of all weights: what the trunk holds at least


def list_bypasses(flow: Flow) -> Iterator[Edge]:
    """Edges by which something joins the scores that is not of the trunk; those near the scores first."""
    behind = _measure_behind(flow)
    shares: dict[str, float] = {}
    for edge in reversed(flow.edges):
        if behind[edge.step] > FEW:
            continue
        own = shares.setdefault(edge.tensor, _measure_before(flow, edge.tensor))
        if own > FEW or _measure_shared(flow, edge) > FEW:
            continue
        others = [one.tensor for one in flow.edges if one.step == edge.step and one.tensor != edge.tensor]
        if any(shares.setdefault(name, _measure_before(flow, name)) >= MOST for name in others):
            yield edge


def _measure_before(flow: Flow, name: str) -> float:
    """The share of the weights that a tensor is made with."""
    return flow.count_weights(flow.list_before(name)) / flow.all_weights


def _measure_shared(flow: Flow, edge: Edge) -> float:
    """The share of the weights before the last tensor that all ways to a meeting pass."""
    return _measure_before(flow, flow.list_waists(edge.merge)[-2])


def _measure_behind(flow: Flow) -> dict[int, float]:
    """For the steps at which values meet the share of the weights of all steps that theirs lead to."""
    stored = {**flow.graph.constants, **flow.graph.weights}
    sizes = {name: value.numel() for name, value in stored.items() if value.is_floating_point()}
    bits = {name: 1 << place for place, name in enumerate(sizes)}  # a set of tensors is one number
    meetings, behind = {edge.step for edge in flow.edges}, dict[int, float]()
    reached: dict[str, int] = {}
    for index in range(len(flow.graph.steps) - 1, -1, -1):
        step = flow.graph.steps[index]
        after = reduce(or_, (reached.get(name, 0) for name in step.outputs), 0)
        if index in meetings:
            behind[index] = sum(size for name, size in sizes.items() if after & bits[name]) / flow.all_weights
        after |= reduce(or_, (bits.get(name, 0) for name in step.inputs), 0)
        for name in list_values(step):
            reached[name] = reached.get(name, 0) | after
    return behind
