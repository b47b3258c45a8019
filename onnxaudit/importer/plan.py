"""What has to be computed, in which order: instructions over numbered slots.

What is settled by the shapes of the inputs is computed once for each shape; the instructions that are left over stand
in a program of their own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from onnxaudit.errors import ModelError
from onnxaudit.importer.graph import MISSING, Step, read_names

FAILURES = (RuntimeError, TypeError, ValueError, IndexError)
MOST_PROGRAMS = 8  # kept for one plan: the shapes of a whole batch, of its last part, of a single image ...
LARGEST_SETTLED = 4096  # elements: sizes and positions are small, and what is kept costs memory for good


class Instruction(NamedTuple):
    """One step over numbered slots.

    Attributes:
        name: for messages.
        function: computes the outputs from the inputs.
        inputs, outputs: slots.
        dead: slots that nobody reads afterwards.
        static: positions of the inputs that are wanted as Python values.
        settled: whether the shapes of what is fed settle the outputs.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dead: tuple[int, ...] = ()
    static: frozenset[int] = frozenset()
    settled: bool = False


@dataclass(frozen=True)
class Program:
    """Instructions over a list of slots that starts as a copy of `initial`."""

    initial: list[Any]
    instructions: tuple[Instruction, ...]

    def start(self, feeds: Iterable[tuple[int, torch.Tensor]]) -> list[Any]:
        """The slots before the first instruction."""
        slots = self.initial.copy()
        for slot, tensor in feeds:
            slots[slot] = tensor
        return slots


@dataclass(frozen=True)
class Plan:
    """A program with slots for what is fed and what comes out.

    Attributes:
        program: all instructions.
        feeds: slots of what is fed, in order.
        results: slots of what comes out.
        fixed: slots that no instruction may drop.
    """

    program: Program
    feeds: tuple[int, ...]
    results: tuple[int, ...]
    fixed: frozenset[int]
    _settled: dict[Any, Program] = field(default_factory=dict, compare=False)

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions."""
        return self.program.instructions

    def run(self, feeds: Iterable[torch.Tensor]) -> list[torch.Tensor]:
        """The results, given the tensors to feed in the order in which the plan was made."""
        tensors = list(feeds)
        # What is computed in inference mode cannot take part in gradients later.
        key = (torch.is_inference_mode_enabled(), *(tensor.shape for tensor in tensors))
        known = self._settled.get(key)
        program = self.program if known is None else known
        slots = program.start(zip(self.feeds, tensors, strict=True))
        if known is None and any(instruction.settled for instruction in self.instructions):
            while len(self._settled) >= MOST_PROGRAMS:
                del self._settled[next(iter(self._settled))]
            self._settled[key] = self._settle(slots)
        else:
            execute(program.instructions, slots)
        return [slots[slot] for slot in self.results]

    def _settle(self, slots: list[Any]) -> Program:
        """Run everything; what is left to run for other values of the same shapes."""
        initial, left = self.program.initial.copy(), []
        values: dict[int, torch.Tensor] = {}
        for instruction in self.instructions:
            execute([instruction._replace(dead=())], slots)
            made = {slot: slots[slot] for slot in instruction.outputs}
            if instruction.settled and all(
                value is None or value.numel() <= LARGEST_SETTLED for value in made.values()
            ):
                values.update(made)
            else:
                left.append(_bind_static(instruction, values, initial))
            for slot in instruction.dead:
                slots[slot] = None
        for slot, value in values.items():
            initial[slot] = value
        keep = {*self.fixed, *self.results, *values, *range(len(self.program.initial), len(initial))}
        return Program(initial, tuple(release(left, keep)))


def _bind_static(instruction: Instruction, values: dict[int, torch.Tensor], initial: list[Any]) -> Instruction:
    """The instruction with static inputs that are now known as Python values in slots of their own."""
    inputs = list(instruction.inputs)
    for position, slot in enumerate(inputs):
        if position in instruction.static and values.get(slot) is not None:
            initial.append(values[slot].tolist())
            inputs[position] = len(initial) - 1
    return instruction._replace(inputs=tuple(inputs))


def release(instructions: Sequence[Instruction], keep: set[int]) -> list[Instruction]:
    """The same instructions, each dropping what is read for the last time."""
    released, seen = [], set(keep)
    for instruction in reversed(instructions):
        dead = {*instruction.inputs, *instruction.outputs} - seen
        seen |= dead
        released.append(instruction._replace(dead=tuple(sorted(dead))))
    return released[::-1]


def execute(instructions: Iterable[Instruction], slots: list[Any]) -> None:
    """Run instructions one after the other.

    Raises:
        ModelError: one of them fails; names it.
    """
    name = ""
    try:
        for name, function, inputs, outputs, dead, _, _ in instructions:  # noqa: B007 - the name is for the message
            result = function(*[slots[slot] for slot in inputs])
            if isinstance(result, tuple):
                for slot, part in zip(outputs, result, strict=False):
                    slots[slot] = part
            else:
                slots[outputs[0]] = result
            # Otherwise the last result would live through the next instruction.
            result = None
            for slot in dead:
                slots[slot] = None
    except torch.OutOfMemoryError:
        raise
    except FAILURES as error:
        raise _explain(name, error) from error


def call(name: str, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """What an operator makes of its inputs.

    Raises:
        ModelError: it fails on them; names the step.
    """
    try:
        return function(*inputs)
    except torch.OutOfMemoryError:
        raise
    except FAILURES as error:
        raise _explain(name, error) from error


def _explain(name: str, error: Exception) -> ModelError:
    return ModelError(f"{name} cannot be computed in PyTorch: {' '.join(str(error).split())}")


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
