"""What has to be computed, in which order, to get some tensors of a graph from others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from onnxaudit.errors import ModelError
from onnxaudit.importer.fusion import fuse_normalization
from onnxaudit.importer.graph import MISSING, Step, read_names


@dataclass(frozen=True)
class Instruction:
    """One step over numbered slots; `dead` are the slots that nobody reads afterwards."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dead: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Instructions over a list of slots that starts as a copy of `initial`."""

    initial: list[Any]
    feeds: tuple[int, ...]
    instructions: tuple[Instruction, ...]
    results: tuple[int, ...]

    def run(self, feeds: Iterable[torch.Tensor]) -> list[torch.Tensor]:
        """The results, given the tensors to feed in the order in which the plan was made."""
        slots = self.initial.copy()
        for slot, tensor in zip(self.feeds, feeds, strict=True):
            slots[slot] = tensor
        for instruction in self.instructions:
            try:
                result = instruction.function(*[slots[slot] for slot in instruction.inputs])
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError) as error:
                raise ModelError(f"{instruction.name} cannot be computed: {error}") from error
            if isinstance(result, tuple):
                for slot, part in zip(instruction.outputs, result, strict=False):
                    slots[slot] = part
            else:
                slots[instruction.outputs[0]] = result
            for slot in instruction.dead:
                slots[slot] = None
        return [slots[slot] for slot in self.results]


def select_steps(steps: Sequence[Step], known: Iterable[str], wanted: Iterable[str]) -> tuple[list[Step], set[str]]:
    """The steps that `wanted` needs when `known` tensors are there, and the names that nothing produces."""
    producers = {name: step for step in steps for name in step.outputs if name != MISSING}
    known = set(known)
    needed, open_names, missing = set(), list(wanted), set()
    while open_names:
        name = open_names.pop()
        if name in known:
            continue
        if name not in producers:
            missing.add(name)
        elif id(producers[name]) not in needed:
            needed.add(id(producers[name]))
            open_names.extend(read_names(producers[name]))
    return [step for step in steps if id(step) in needed], missing


def make_plan(
    steps: Sequence[Step], stored: Mapping[str, torch.Tensor], feeds: Sequence[str], wanted: Sequence[str]
) -> Plan:
    """A plan that computes `wanted` from `feeds` and the `stored` tensors.

    Raises:
        KeyError: something needed is neither fed, stored nor computed; names it.
    """
    chosen, missing = select_steps(steps, {*feeds, *stored}, wanted)
    if missing:
        raise KeyError(", ".join(sorted(missing)))
    compiler = _Compiler(stored, feeds)
    instructions = [compiler.compile(step) for step in fuse_normalization(chosen, {*wanted, *feeds})]
    results = tuple(compiler.slots[name] for name in wanted)
    return Plan(
        compiler.initial,
        tuple(compiler.slots[name] for name in feeds),
        tuple(_free(instructions, keep={*compiler.fixed, *results})),
        results,
    )


class _Compiler:
    """Gives every tensor a slot; slot 0 is the missing tensor, which reads as None."""

    def __init__(self, stored: Mapping[str, torch.Tensor], feeds: Sequence[str]) -> None:
        self.given = {*feeds, *stored}
        self.slots: dict[str, int] = {MISSING: 0}
        self.initial: list[Any] = [None]
        self.fixed: set[int] = {0}
        for name in feeds:
            self.slots[name] = self.add(None)
        for name in stored:
            if name not in self.slots:
                self.slots[name] = self.fix(stored[name])

    def add(self, value: Any) -> int:
        self.initial.append(value)
        return len(self.initial) - 1

    def fix(self, value: Any) -> int:
        slot = self.add(value)
        self.fixed.add(slot)
        return slot

    def compile(self, step: Step) -> Instruction:
        inputs = tuple(
            self.fix(step.values[position]) if position in step.values else self.slots[name]
            for position, name in enumerate(step.inputs)
        )
        outputs = []
        for name in step.outputs:
            slot = self.add(None)
            outputs.append(slot)
            # A tensor that is fed or stored stands; what a step would write in its place goes nowhere.
            if name != MISSING and name not in self.given:
                self.slots[name] = slot
        return Instruction(step.name, step.function, inputs, tuple(outputs), ())


def _free(instructions: Sequence[Instruction], keep: set[int]) -> list[Instruction]:
    """The same instructions, each dropping what is read for the last time."""
    freed, seen = [], set(keep)
    for instruction in reversed(instructions):
        dead = ({*instruction.inputs, *instruction.outputs}) - seen
        seen |= dead
        freed.append(
            Instruction(
                instruction.name, instruction.function, instruction.inputs, instruction.outputs, tuple(sorted(dead))
            )
        )
    return freed[::-1]
