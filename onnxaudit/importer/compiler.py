"""From steps between named tensors to a plan.

Sizes are computed on the CPU whatever the device of the network: a step that reads nothing but integer constants,
shapes and what follows from them is a *host* step. Where its result meets a tensor of the device it is moved; a
constant is moved once and for all.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from onnxaudit.importer.fusion import Derived, fuse
from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.plan import Instruction, Plan, Program, release, select_steps
from onnxaudit.importer.shapes import find_settled

CPU = torch.device("cpu")


def make_plan(
    steps: Sequence[Step],
    stored: Mapping[str, torch.Tensor],
    feeds: Sequence[str],
    wanted: Sequence[str],
    *,
    fixed: Collection[str] = (),
    derived: dict[str, Derived] | None = None,
    device: torch.device | None = None,
) -> Plan:
    """A plan that computes `wanted` from `feeds` and the `stored` tensors.

    Args:
        steps: in an order in which they can be computed.
        stored: tensors that are there from the start.
        feeds: names of the tensors that a run is given.
        wanted: names of the tensors that a run returns.
        fixed: names of stored tensors that never change, which allows to compute some things once.
        derived: what is computed of weights alone, which several plans share; entries are added.
        device: where the feeds will be; by default where the first stored tensor is that is not on the CPU.

    Raises:
        KeyError: something needed is neither fed, stored nor computed; names it.
    """
    chosen, missing = select_steps(steps, {*feeds, *stored}, wanted)
    if missing:
        raise KeyError(f"neither fed nor stored nor computed: {', '.join(sorted(missing))}")
    fused = fuse(chosen, {*wanted, *feeds}, stored, fixed, {} if derived is None else derived)
    compiler = _Compiler(stored, feeds, find_settled(fused, fixed, stored, feeds), device)
    for step in fused:
        compiler.compile(step)
    results = tuple(compiler.slots[name] for name in wanted)
    instructions = release(compiler.instructions, keep={*compiler.fixed, *results})
    program = Program(compiler.initial, tuple(instructions))
    return Plan(program, tuple(compiler.slots[name] for name in feeds), results, frozenset(compiler.fixed))


class _Compiler:
    """Gives every tensor a slot; slot 0 is the missing tensor, which reads as None."""

    def __init__(
        self,
        stored: Mapping[str, torch.Tensor],
        feeds: Sequence[str],
        settled: Collection[str],
        device: torch.device | None,
    ) -> None:
        self.stored = stored
        self.settled = settled
        self.given = {*feeds, *stored}
        self.device = device or next((tensor.device for tensor in stored.values() if tensor.device != CPU), CPU)
        self.host = {name for name, tensor in stored.items() if tensor.device == CPU} - set(feeds)
        self.instructions: list[Instruction] = []
        self.slots: dict[str, int] = {MISSING: 0}
        self.moved: dict[str, int] = {}
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

    def compile(self, step: Step) -> None:
        on_host = self.device == CPU or is_host_step(step, self.host)
        inputs = tuple(self.place(step, position, on_host) for position in range(len(step.inputs)))
        outputs = []
        for name in step.outputs:
            slot = self.add(None)
            outputs.append(slot)
            # A tensor that is fed or stored stands; what a step would write in its place goes nowhere.
            if name != MISSING and name not in self.given:
                self.slots[name] = slot
                self.host |= {name} if on_host else set()
        static = frozenset(position for position in step.operator.static if position not in step.values)
        settled = all(name in self.settled or name == MISSING for name in step.outputs)
        self.instructions.append(
            Instruction(step.name, step.function, inputs, tuple(outputs), (), static, settled=settled)
        )

    def place(self, step: Step, position: int, on_host: bool) -> int:
        """The slot in which a step finds one of its inputs, on its own device."""
        name = step.inputs[position]
        if position in step.values:
            return self.fix(step.values[position])
        if on_host or name not in self.host or position in step.operator.static | step.operator.described:
            return self.slots[name]
        if name not in self.moved:
            self.moved[name] = self.move(name)
        return self.moved[name]

    def move(self, name: str) -> int:
        if name in self.stored:
            return self.fix(self.stored[name].to(self.device))
        slot = self.add(None)
        move = partial(torch.Tensor.to, device=self.device)
        settled = name in self.settled
        self.instructions.append(Instruction(f"moving {name!r}", move, (self.slots[name],), (slot,), settled=settled))
        return slot


def is_host_step(step: Step, host: set[str]) -> bool:
    """Whether a step reads values on the CPU alone."""
    return all(
        name == MISSING or name in host or position in step.values or position in step.operator.described
        for position, name in enumerate(step.inputs)
    )
