"""Exact tests solved: pixels whose whole values make a sum, a remainder or a single value what is asked for.

A test for equality has to be met exactly, and a checksum goes round many times on the way: gradients come near at
best. But what is tested is, step by step, a weighed sum of a few pixels' bytes. The weights are read off by
differentiation, and four pixels at random have enough values between them to meet a remainder of 32 bits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnxaudit.importer.graph import Graph, Step
from onnxaudit.records import Floats
from onnxaudit.structure.copy import Copy
from onnxaudit.structure.flow import Flow, find_kind
from onnxaudit.structure.relaxation import MOVES
from onnxaudit.structure.soft_operators import find_exact

Doubles = npt.NDArray[np.float64]
LEVELS = 256  # of a byte
LARGEST = 2.0**44  # weight of a byte whose sums are still exact
MOST_ELEMENTS = 64  # of one test
EXACT_ENOUGH = 1e-3  # of what is missing; a single pixel that no byte brings so near is set between two bytes
TURNS = 3  # what is tested may be no sum: the weights are read again where it has come to


def solve(copy: Copy, target: str, images: Tensor, *, seed: int) -> Tensor | None:
    """The images with pixels set so that every test for equality before a tensor holds; None where there is none.

    Args:
        copy: the network.
        target: the gate.
        images: `(n, c, h, w)` in pixel space, from which to start.
        seed: of the choice of pixels.
    """
    before = copy.flow.list_before(target)
    tests = [index for index in before if find_kind(copy.flow.graph.steps[index]) == "Equal"]
    if not tests:
        return None
    exact = copy.with_graph(_make_exact(copy.flow.graph, before))
    steps = [copy.flow.graph.steps[index] for index in tests]
    return torch.stack([_Solver(exact, np.random.default_rng(seed)).solve(image, steps) for image in images])


def _make_exact(graph: Graph, steps: tuple[int, ...]) -> Graph:
    """The same values, with gradients through what rounds."""
    changed = list(graph.steps)
    for index in steps:
        step = changed[index]
        function = find_exact(step, find_kind(step))
        if function is not None:
            changed[index] = replace(step, operator=replace(step.operator, function=function), attributes={})
    return replace(graph, steps=tuple(changed))


class _Solver:
    """One image, test after test; a pixel that one test has set is not set again."""

    def __init__(self, copy: Copy, rng: np.random.Generator) -> None:
        self.copy, self.rng, self.taken = copy, rng, set[int]()

    def solve(self, image: Tensor, tests: list[Step]) -> Tensor:
        """The image with pixels set for all tests."""
        for step in tests:
            modulus = find_modulus(self.copy.flow, step)
            for _ in range(TURNS):
                solved = self._solve_test(step, modulus, image)
                if solved is None:
                    break
                image = solved
        return image

    def _solve_test(self, step: Step, modulus: float, image: Tensor) -> Tensor | None:
        """The image with one test solved element by element; None where nothing is left to solve."""
        point = image[None].clone().requires_grad_(True)
        apart = _read_difference(self.copy, step, point)
        wrong = [place for place, value in enumerate(apart.tolist()[:MOST_ELEMENTS]) if value != 0.0]
        if not wrong or not apart.requires_grad:
            return None
        values, changed = image.flatten().cpu().numpy().copy(), False
        for place in wrong:
            (slope,) = torch.autograd.grad(apart[place], point, retain_graph=True, allow_unused=True)
            if slope is not None:
                weights = slope.flatten().double().cpu().numpy() / (LEVELS - 1)
                missing = -float(apart[place].detach())
                changed |= self._set_pixels(values, weights, missing, modulus)
        return torch.from_numpy(values).reshape(image.shape).to(image.device) if changed else None

    def _set_pixels(self, values: Floats, weights: Doubles, missing: float, modulus: float) -> bool:
        """Set up to four pixels so that the weighed sum changes by what is missing; whether any were set."""
        known = np.flatnonzero(np.isfinite(weights) & (np.abs(weights) < LARGEST) & (weights != 0.0))
        free = np.array([place for place in known if place not in self.taken], int)
        chosen = free if len(free) <= 4 else self.rng.choice(free, 4, replace=False)
        offers = [list_offers(values[place], weights[place], modulus) for place in chosen]
        if not offers:
            return False
        first, second, third, fourth = offers + [np.zeros(1)] * (4 - len(offers))
        left, right = meet(np.add.outer(first, second).ravel(), np.add.outer(third, fourth).ravel(), missing, modulus)
        levels = (*divmod(left, len(second)), *divmod(right, len(fourth)))
        for place, level, offer in zip(chosen, levels, offers, strict=False):
            if len(chosen) == 1 and np.isinf(modulus) and abs(offer[level] - missing) > EXACT_ENOUGH * abs(missing):
                values[place] = np.float32(values[place] + missing / (weights[place] * (LEVELS - 1)))
            else:
                values[place] = np.float32(level) / np.float32(LEVELS - 1)
                self.taken.add(int(place))
        return True


def _read_difference(copy: Copy, step: Step, point: Tensor) -> Tensor:
    names = [
        name for position, name in enumerate(step.inputs) if position not in step.values and name in copy.flow.dependent
    ]
    found = copy.read(copy.enter(point), names)
    first, second = (_find_operand(copy, step, position, found) for position in (0, 1))
    return (first.to(torch.float64) - second.to(torch.float64)).flatten()


def _find_operand(copy: Copy, step: Step, position: int, found: Mapping[str, Tensor]) -> Tensor:
    if position in step.values:
        return torch.as_tensor(step.values[position])
    name = step.inputs[position]
    stored = {**copy.flow.graph.constants, **copy.flow.graph.weights}
    return found[name] if name in found else stored[name]


def find_modulus(flow: Flow, step: Step) -> float:
    """After how much a test comes round again: what its operand is the remainder of; infinity where it is none."""
    stored = {**flow.graph.constants, **flow.graph.weights}
    for name in step.inputs:
        while name in flow.producers:
            source = flow.graph.steps[flow.producers[name]]
            if find_kind(source) in ("Mod", "BitwiseAnd"):
                divisor = source.values.get(1, stored.get(source.inputs[1]))
                number = float("inf") if divisor is None else abs(float(torch.as_tensor(divisor).flatten()[0]))
                return number if find_kind(source) == "Mod" else number + 1.0  # the lowest bits are a remainder too
            if find_kind(source) not in MOVES:
                break
            name = source.inputs[0]
    return float("inf")


def list_offers(value: float, weight: float, modulus: float) -> Doubles:
    """What the weighed sum changes by for each byte that a pixel may take; whole numbers where they go round."""
    before = value * (LEVELS - 1)
    if np.isfinite(modulus):
        before, weight = round(before), round(weight)
    offers: Doubles = (np.arange(LEVELS, dtype=np.float64) - before) * weight
    return offers


def meet(first: Doubles, second: Doubles, wanted: float, modulus: float) -> tuple[int, int]:
    """Which entries of two lists add up to what is wanted, or come nearest."""
    offered, asked = second, wanted - first
    if np.isfinite(modulus):
        offered, asked = np.round(offered) % modulus, np.round(asked) % modulus
    order = np.argsort(offered, kind="stable")
    ordered = offered[order]
    place = np.searchsorted(ordered, asked)
    below, above = np.clip(place - 1, 0, len(ordered) - 1), np.clip(place, 0, len(ordered) - 1)
    far = np.minimum(np.abs(ordered[below] - asked), np.abs(ordered[above] - asked))
    best = int(far.argmin())
    nearer = below if abs(ordered[below[best]] - asked[best]) < abs(ordered[above[best]] - asked[best]) else above
    return best, int(order[nearer[best]])


def list_solved(copy: Copy, target: str, starts: Tensor, *, seed: int, tries: int = 2) -> Iterator[Tensor]:
    """Solutions from several starts, with other pixels each time."""
    for turn in range(tries):
        solved = solve(copy, target, starts, seed=seed + turn)
        if solved is None:
            return
        yield solved
