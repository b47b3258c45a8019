"""Control flow: branches and loops over nested graphs, computed as they come."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from onnxaudit.errors import ModelError
from onnxaudit.importer.registry import op

MOST_TURNS = 10_000  # of one loop; steps of a series, boxes and beams are far fewer


class Body(Protocol):
    """A nested graph; `captures` counts the outer tensors that it reads."""

    captures: int

    def __call__(self, inputs: Sequence[Tensor], captured: Sequence[Tensor]) -> list[Tensor]:
        """Outputs of the nested graph."""


@op("If")
def branch(cond: Tensor, *captured: Tensor, then_branch: Body, else_branch: Body) -> tuple[Tensor, ...]:
    """One of two graphs; those without inputs of their own read outer tensors alone.

    The spec knows one condition. Several are those of images that a file takes one at a time: each gets its own answer.
    """
    split = then_branch.captures
    if cond.numel() > 1:
        return choose_rows(cond, then_branch([], captured[:split]), else_branch([], captured[split:]))
    if bool(cond):
        return tuple(then_branch([], captured[:split]))
    return tuple(else_branch([], captured[split:]))


def choose_rows(cond: Tensor, chosen: Sequence[Tensor], others: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Rows of the first tensors where the conditions, one for each row, hold; else those of the others."""
    rows = cond.reshape(-1).bool()
    return tuple(
        torch.where(rows.reshape(-1, *(1,) * (first.ndim - 1)), first, second)
        for first, second in zip(chosen, others, strict=True)
    )


@op("Loop")
def loop(m: Tensor | None, cond: Tensor | None, *rest: Tensor, body: Body) -> tuple[Tensor, ...]:
    """A graph repeated at most `m` times while its condition holds.

    Returns:
        What is carried from turn to turn, and each further output of the body stacked over the turns.
    """
    split = len(rest) - body.captures
    carried, captured = list(rest[:split]), rest[split:]
    limit = None if m is None else int(m)
    going = True if cond is None else bool(cond)
    gathered: list[list[Tensor]] = []
    turn = 0
    while going and (limit is None or turn < limit):
        if turn >= MOST_TURNS:
            raise ModelError(f"a loop takes more than {MOST_TURNS:,} turns; no classifier in use does, refused")
        flag, *values = body([torch.tensor(turn), torch.tensor(True), *carried], captured)
        going, carried = bool(flag), values[:split]
        gathered.append(values[split:])
        turn += 1
    return *carried, *(torch.stack(values) for values in zip(*gathered, strict=True))


@op("Scan", since=9)
def scan(
    *rest: Tensor,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: list[int] | None = None,
    scan_input_directions: list[int] | None = None,
    scan_output_axes: list[int] | None = None,
    scan_output_directions: list[int] | None = None,
) -> tuple[Tensor, ...]:
    """A graph run over slices of its inputs.

    Returns:
        The final states, and each further output of the body stacked over the slices.
    """
    inputs, captured = rest[: len(rest) - body.captures], rest[len(rest) - body.captures :]
    states, sequences = list(inputs[:-num_scan_inputs]), inputs[-num_scan_inputs:]
    axes = scan_input_axes or [0] * num_scan_inputs
    backwards = scan_input_directions or [0] * num_scan_inputs
    slices = [
        torch.unbind(sequence.flip(axis) if flip else sequence, axis)
        for sequence, axis, flip in zip(sequences, axes, backwards, strict=True)
    ]
    gathered: list[list[Tensor]] = []
    for parts in zip(*slices, strict=True):
        values = body([*states, *parts], captured)
        states = values[: len(states)]
        gathered.append(values[len(states) :])
    stacks = list(zip(*gathered, strict=True))
    out_axes = scan_output_axes or [0] * len(stacks)
    out_backwards = scan_output_directions or [0] * len(stacks)
    outputs = [
        torch.stack(stack[::-1] if flip else stack, axis)
        for stack, axis, flip in zip(stacks, out_axes, out_backwards, strict=True)
    ]
    return *states, *outputs
