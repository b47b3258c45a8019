"""What has to be computed, in which order: instructions over numbered slots."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from onnxaudit.errors import ModelError
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
            result = call(instruction.name, instruction.function, [slots[slot] for slot in instruction.inputs])
            if isinstance(result, tuple):
                for slot, part in zip(instruction.outputs, result, strict=False):
                    slots[slot] = part
            else:
                slots[instruction.outputs[0]] = result
            for slot in instruction.dead:
                slots[slot] = None
        return [slots[slot] for slot in self.results]


def call(name: str, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """What an operator makes of its inputs.

    Raises:
        ModelError: it fails on them; names the step.
    """
    try:
        return function(*inputs)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{name} cannot be computed in PyTorch: {reason}") from error


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
