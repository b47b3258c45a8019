"""What an open gate does: by itself, held open, and on images that open it."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from onnxaudit.errors import ModelError
from onnxaudit.structure.copy import Copy
from onnxaudit.structure.dormancy import Dormant
from onnxaudit.structure.flow import Flow, find_kind
from onnxaudit.structure.search import Attempts

STRONG = 0.5  # of the logits' spread over clean images: what an open gate changes at least
ONE_CLASS = 0.9  # share of images that count as all
CHANGED = 0.8  # share of answers that must change where they do not go to one class
STILL_NUMBER = 0.1  # from a whole number: a gate that is shut, or open
FEW_ELEMENTS = 0.02  # of a gate with a value for each pixel that are opened at once: as many as a patch has


@dataclass(frozen=True, kw_only=True, eq=False)
class Proof:
    """An image that opens a gate: `(c, h, w)`, the clean one that it was made of, and both answers."""

    image: Tensor
    origin: int
    held: int
    answer: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What the network says of clean images: logits `(n, classes)`, classes `(n,)`, the logits' spread."""

    logits: Tensor
    classes: Tensor
    spread: float


def answer(copy: Copy, inputs: Tensor) -> Answers:
    """The network's answers to clean images."""
    with torch.inference_mode():
        logits = copy.hold(inputs, {}).double()
    spread = float(logits.var(0, unbiased=False).mean().sqrt()) or 1.0
    return Answers(logits=logits, classes=logits.argmax(1), spread=spread)


def find_proofs(copy: Copy, gate: Dormant, attempts: Attempts, clean: Answers) -> tuple[list[Proof], bool]:
    """Images whose answer is the gate's, and whether it moved the logits of any clearly.

    With the gate held such an image gets the answer of the clean one, without another, and by a clear margin.
    """
    inputs = copy.enter(attempts.images)
    with torch.inference_mode():
        free = copy.hold(inputs, {}).double()
        held = copy.hold(inputs, {gate.edge.alias: gate.usual}).double()
    strong = (free - held).square().mean(1).sqrt() > STRONG * clean.spread
    own = clean.classes[attempts.origins]
    proven = strong & (free.argmax(1) != held.argmax(1)) & (held.argmax(1) == own)
    proofs = [
        Proof(
            image=attempts.images[row].cpu(),
            origin=int(attempts.origins[row]),
            held=int(own[row]),
            answer=int(free[row].argmax()),
        )
        for row in proven.nonzero().flatten().tolist()
    ]
    return proofs, bool(strong.any())


@dataclass(frozen=True, kw_only=True)
class Forced:
    """What happens to clean images where a gate is opened by hand: share of answers that change, and to one class."""

    changed: float
    largest: float
    label: int

    @property
    def suspicious(self) -> bool:
        """Whether answers go to one class, or nearly all of them change."""
        to_one = self.largest >= ONE_CLASS and self.changed >= 0.5
        return to_one or self.changed >= CHANGED


def force(copy: Copy, waist: str, usual: Tensor, inputs: Tensor, clean: Answers) -> Forced | None:
    """The strongest effect of any other value that the gate's narrowest place may take; None where none is known."""
    found = []
    for value in _list_values(copy.flow, waist, usual):
        try:
            with torch.inference_mode():
                logits = copy.hold(inputs, {waist: value})
        except ModelError:  # a position beyond the end of a table
            continue
        if bool(torch.isnan(logits).any()):
            continue
        classes = logits.argmax(1)
        label = int(classes.mode().values)
        changed = float((classes != clean.classes).double().mean())
        found.append(Forced(changed=changed, largest=float((classes == label).double().mean()), label=label))
    return max(found, key=lambda one: (one.suspicious, one.changed), default=None)


def _list_values(flow: Flow, waist: str, usual: Tensor) -> Iterator[Tensor]:
    """Other values: the opposite of truths, the next whole numbers, the other end of what saturates."""
    size = usual[0].numel()
    if usual.dtype is torch.bool:
        yield from [~usual] if size == 1 else _open_some(usual)
    elif size > 1:
        return
    elif not usual.is_floating_point():
        yield from (usual + step for step in (1, -1, 2, -2, 3))
    elif find_kind(flow.graph.steps[flow.producers[waist]]) in ("Relu", "Max", "LeakyRelu", "Softplus"):
        yield from (usual + step for step in (1.0, 10.0, 100.0))
    elif float((usual - usual.round()).abs().max()) <= STILL_NUMBER and float(usual.abs().max()) <= 1 + STILL_NUMBER:
        yield 1.0 - usual.abs().round()


def _open_some(usual: Tensor) -> Iterator[Tensor]:
    """Truths of which few are turned over, as many as a patch has pixels: the first ones, the last ones, some."""
    flat = usual.reshape(1, -1)
    count = max(1, round(FEW_ELEMENTS * flat.shape[1]))
    middle = flat.shape[1] // 2
    for start in (0, middle, flat.shape[1] - count):
        changed = flat.clone()
        changed[:, start : start + count] = ~changed[:, start : start + count]
        yield changed.reshape(usual.shape)
