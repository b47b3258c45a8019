"""A batch that the file fixes is made free, so that many images run in one pass.

The graph is run on two batches one by one and on both joined. Where a step's result on the joined batch is not the two
results joined, the step carries the batch size in a constant and is repaired: by other sizes, by reshaping each batch
by itself (exporters write a transposition that moves a batch of one as a reshape), or by a constant tensor repeated
for the batch. Of the repairs that give the right result the one that keeps the batch most plainly apart stands. What
cannot be repaired stays as it is; the parity check sees all of it again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from onnxaudit.errors import ModelError
from onnxaudit.importer.dynamic_ranges import follows_range, part_ranges
from onnxaudit.importer.entry import to_entry
from onnxaudit.importer.graph import MISSING, Graph, Step, read_names
from onnxaudit.importer.ops.shape import flatten, reshape, squeeze, squeeze_by_attribute
from onnxaudit.importer.plan import call
from onnxaudit.importer.registry import make_operator
from onnxaudit.records import ElementType

LARGEST_WHOLE = 127  # every type of whole numbers holds so much
TOLERANCE = 1e-4  # of the largest value: other batch sizes take other paths through the same arithmetic

Environment = dict[str, Tensor]


def free_batch(
    graph: Graph, image: str, shape: Sequence[int], logits: str, dtype: ElementType = ElementType.FLOAT32
) -> Graph | None:
    """The graph for any multiple of the batch that `shape`, the shape of the input `image`, begins with.

    Returns:
        None where no repair was found and `logits` still depend on the batch size.
    """
    generator = torch.Generator().manual_seed(0)
    trace = _Trace({**graph.constants, **graph.weights}, shape[0])
    trace.feed(image, *(to_entry(_draw_input(shape, dtype, generator), dtype) for _ in range(2)))
    with torch.no_grad():
        steps = list(chain.from_iterable(trace.follow(step) for step in graph.steps))
    return replace(graph, steps=tuple(steps)) if trace.joints.get(logits) == LEADING else None


def _draw_input(shape: Sequence[int], dtype: ElementType, generator: torch.Generator) -> Tensor:
    noise = torch.rand(tuple(shape), generator=generator)
    return torch.round(LARGEST_WHOLE * noise) if dtype.integral else noise


class Joint(NamedTuple):
    """Where a tensor holds the batch: in `axis`, behind `outer` other entries that are merged into the same axis."""

    axis: int
    outer: int


LEADING = Joint(0, 1)
WRONG = Joint(-1, -1)
WORST = 2


@dataclass
class _Trace:
    """Values on two batches and on both joined, and where each tensor holds the batch (None: nowhere)."""

    stored: Mapping[str, Tensor]
    batch: int
    first: Environment = field(init=False)
    second: Environment = field(init=False)
    joined: Environment = field(init=False)
    joints: dict[str, Joint | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first, self.second, self.joined = dict(self.stored), dict(self.stored), dict(self.stored)

    def feed(self, name: str, first: Tensor, second: Tensor) -> None:
        self.first[name], self.second[name], self.joined[name] = first, second, torch.cat([first, second])
        self.joints[name] = LEADING

    def follow(self, step: Step) -> list[Step]:
        """The step, repaired where need be."""
        return [repaired for part in self._part_ranges(step) for repaired in self._follow(part)]

    def _part_ranges(self, step: Step) -> list[Step]:
        joint = self.joints.get(step.inputs[0]) if follows_range(step) else None
        if joint is None:
            return [step]
        size = self.first[step.inputs[0]].shape[joint.axis]
        return part_ranges(step, axis=joint.axis, outer=joint.outer, size=size)

    def _follow(self, step: Step) -> list[Step]:
        if not all(name in self.first for name in read_names(step)):
            return [step]
        self.first.update(_compute(step, self.first))
        self.second.update(_compute(step, self.second))
        best, least = None, WORST + 1
        for steps in chain([[step]], self._list_repairs(step)):
            trial, joints = self._try(steps, step)
            cost = max((self._rate(joint, self.first[name].shape) for name, joint in joints.items()), default=0)
            if trial and cost < least:
                best, least = (steps, trial, joints), cost
            if not least:
                break
        if best is None:
            return [step]
        steps, self.joined, joints = best
        self.joints.update(joints)
        return steps

    def _try(self, steps: list[Step], step: Step) -> tuple[Environment, dict[str, Joint | None]]:
        """Values after the steps, and where the outputs of `step` hold the batch; empty where it went wrong."""
        trial = dict(self.joined)
        try:
            for part in steps:
                trial.update(_compute(part, trial))
        except (KeyError, ModelError):
            return {}, {}
        names = [name for name in step.outputs if name in self.first]
        joints = {name: _find_joint(self.first[name], self.second[name], trial[name]) for name in names}
        return ({}, {}) if WRONG in joints.values() else (trial, joints)

    def _rate(self, joint: Joint | None, shape: torch.Size) -> int:
        """0 for an axis of its own, 1 with other entries merged into it, 2 for the last axis: features, as a rule."""
        if joint is None:
            return 0
        if joint.axis == len(shape) - 1 and joint.axis:
            return WORST
        return int(shape[joint.axis] != self.batch)

    def _list_repairs(self, step: Step) -> Iterator[list[Step]]:
        """Other constants first, then constant tensors repeated for the batch."""
        output = self.first.get(step.outputs[0])
        for position, value in step.values.items():
            if not isinstance(value, list):
                continue
            whole = [list(output.shape)] if output is not None and len(value) == output.ndim else []
            for sizes, index in ((choice, index) for choice in [value, *whole] for index in range(len(choice))):
                for free in (-1, 1):
                    changed = [*sizes[:index], free, *sizes[index + 1 :]]
                    yield [replace(step, values={**step.values, position: changed})]
        yield from self._list_reshapes(step)
        yield from self._list_spreads(step)

    def _list_reshapes(self, step: Step) -> Iterator[list[Step]]:
        joint = self.joints.get(step.inputs[0]) if step.operator.function in RESHAPES else None
        if joint is None:
            return
        shape = self.first[step.outputs[0]].shape
        size = self.first[step.inputs[0]].shape[joint.axis]
        for axis in [*(axis for axis, length in enumerate(shape) if length == self.batch), 0][: len(shape)]:
            attributes = {"shape": shape, "joint": joint, "size": size, "axis": axis}
            yield [Step(step.name, RESHAPE, attributes, step.inputs[:1], step.outputs, {})]

    def _list_spreads(self, step: Step) -> Iterator[list[Step]]:
        like = next((name for name in read_names(step) if self.joints.get(name) is not None), None)
        fixed = [name for name in read_names(step) if self.joints.get(name) is None and name in self.joined]
        joint = self.joints[like] if like is not None else None
        if like is None or joint is None:
            return
        for name in fixed:
            for axis in range(self.joined[name].ndim):
                if self.joined[name].shape[axis] != self.batch:
                    continue
                spread = f"{name} along axis {axis} for {step.outputs[0]}"
                attributes = {"axis": axis, "like_axis": joint.axis, "size": self.first[like].shape[joint.axis]}
                before = Step(f"batch of {step.name}", SPREAD, attributes, (name, like), (spread,), {})
                inputs = tuple(spread if read == name else read for read in step.inputs)
                yield [before, replace(step, inputs=inputs)]


def spread_over_batch(x: Tensor, like: Tensor, *, axis: int, like_axis: int, size: int) -> Tensor:
    """`x` repeated along `axis` as often as `like` holds its `size` at the file's own batch along `like_axis`."""
    repeats = [1] * x.ndim
    repeats[axis] = like.shape[like_axis] // size
    return x.repeat(repeats)


def reshape_apart(x: Tensor, *, shape: Sequence[int], joint: Joint, size: int, axis: int) -> Tensor:
    """Each batch, `size` entries where `joint` says, in `shape` by itself; joined again along `axis`."""
    count = x.shape[joint.axis] // size
    split = (joint.outer, count, size // joint.outer)
    batches = x.reshape(*x.shape[: joint.axis], *split, *x.shape[joint.axis + 1 :]).movedim(joint.axis + 1, 0)
    return batches.reshape(count, *shape).movedim(0, axis).flatten(axis, axis + 1)


RESHAPES = (reshape, flatten, squeeze, squeeze_by_attribute)
RESHAPE = make_operator(reshape_apart, "x")
SPREAD = make_operator(spread_over_batch, "x", "like")


def _compute(step: Step, values: Mapping[str, Any]) -> Environment:
    inputs = [
        step.values[position] if position in step.values else None if name == MISSING else values[name]
        for position, name in enumerate(step.inputs)
    ]
    result = call(step.name, step.function, inputs)
    results = result if isinstance(result, tuple) else (result,)
    return {name: value for name, value in zip(step.outputs, results, strict=False) if name != MISSING}


def _find_joint(first: Tensor, second: Tensor, joined: Tensor) -> Joint | None:
    """Where `joined` joins the two; None where it is not a matter of the batch."""
    if not joined.is_floating_point() or (_agree(first, joined) and _agree(second, joined)):
        return None
    for axis, size in enumerate(first.shape):
        if joined.shape != (*first.shape[:axis], 2 * size, *first.shape[axis + 1 :]):
            continue
        for outer in (count for count in range(1, size + 1) if size % count == 0):
            shape = (*first.shape[:axis], outer, size // outer, *first.shape[axis + 1 :])
            parts = [part.reshape(shape) for part in (first, second)]
            if _agree(torch.cat(parts, axis + 1).flatten(axis, axis + 1), joined):
                return Joint(axis, outer)
    return WRONG


def _agree(expected: Tensor, found: Tensor) -> bool:
    if expected.shape != found.shape:
        return False
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return torch.allclose(expected, found, rtol=0.0, atol=TOLERANCE * scale, equal_nan=True)
