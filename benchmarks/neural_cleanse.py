"""The published inversion of a label with its published settings: the baseline of `inversion` and `classes`.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019, with the settings of the authors' example for traffic signs.
For one label `t` minimise, over all images `x`, in mini-batches of 32 with Adam,

    mean_x cross_entropy(f((1 − m)·x + m·δ), t)  +  λ · |m|₁,      m = (tanh u + 1) / 2, δ = (tanh v + 1) / 2

A step is 31 mini-batches, about 1,000 images. `λ` is zero until five steps in a row succeeded, and doubles after five
more such steps, or falls by 2√2 after five without success. The smallest mask of a step with success is kept. The
early stop ends the search once `λ` has both risen and fallen and the mask has not shrunk for 25 steps.

Differs from the source: PyTorch instead of Keras; there may be fewer images than a step asks for, and they then come
several times, shuffled anew each time; pixels lie in [0, 1], which changes neither the mask nor the pattern.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.stopwatch import Spent, Stopwatch
from onnxaudit.records import Floats, Trigger

EDGE = 1e-6  # a start of exactly 0 or 1 would lie at infinity


@dataclass(frozen=True)
class Schedule:
    """The published settings.

    Attributes:
        steps: at most so many a label.
        batches: mini-batches a step.
        batch: images in each.
        step_size: of Adam.
        momentum: Adam's two decay rates.
        success: share of a step's images that must go to the label.
        patience: steps in a row before `λ` changes.
        first_penalty: what `λ` becomes when it leaves zero.
        rise: factor on `λ`.
        fall: divisor of `λ`.
        stop_patience: steps without a smaller mask before the early stop.
    """

    steps: int = 1000
    batches: int = 31
    batch: int = 32
    step_size: float = 0.1
    momentum: tuple[float, float] = (0.5, 0.9)
    success: float = 0.99
    patience: int = 5
    first_penalty: float = 1e-3
    rise: float = 2.0
    fall: float = 2.0**1.5
    stop_patience: int = 25

    @property
    def passes_per_step(self) -> int:
        """Images that one step sends through the network."""
        return self.batches * self.batch

    @property
    def passes(self) -> int:
        """Image passes of a label without the early stop."""
        return self.steps * self.passes_per_step


@dataclass
class Penalty:
    """`λ`, steered by whether steps succeed."""

    schedule: Schedule
    value: float = 0.0
    rose: bool = False
    fell: bool = False
    _streak: int = field(default=0, repr=False)
    _succeeding: bool = field(default=True, repr=False)

    def update(self, enough: bool) -> None:
        """After a step; `enough` says whether it succeeded."""
        self._streak = self._streak + 1 if enough is self._succeeding else 1
        self._succeeding = enough
        starting = self.value == 0 and enough and self._streak >= self.schedule.patience
        if starting:
            # The step that wakes the penalty is the first of the next streak.
            self.value, self._streak, self.rose, self.fell = self.schedule.first_penalty, 1, False, False
        elif self._streak >= self.schedule.patience:
            self._streak = 0
            self.value = self.value * self.schedule.rise if enough else self.value / self.schedule.fall
            self.rose, self.fell = self.rose or enough, self.fell or not enough


@dataclass(frozen=True, eq=False)
class Course:
    """What the search for one label gave.

    Attributes:
        label: sent to.
        trigger: the smallest with success; the last where there was none.
        steps: how many were made.
        passes: image passes spent.
        spent: on all of it.
        stopped: ended by the early stop.
    """

    label: int
    trigger: Trigger
    steps: int
    passes: int
    spent: Spent
    stopped: bool


def search(
    classifier: nn.Module, images: Floats, label: int, schedule: Schedule, *, steps: int, seed: int, early: bool = True
) -> Course:
    """Search for one label's trigger as published.

    Args:
        classifier: logits `(n, classes)` of images `(n, c, h, w)` in [0, 1], on the CPU; in evaluation mode.
        images: clean ones of all classes.
        label: to send them to.
        schedule: all settings.
        steps: cut off after so many, as if the schedule had no more.
        seed: of the start and of the order of images.
        early: whether the early stop is on.
    """
    generator = np.random.default_rng(seed)
    start = generator.uniform(EDGE, 1 - EDGE, (1 + images.shape[1], *images.shape[2:]))
    values = torch.from_numpy(np.arctanh(2 * start - 1).astype(np.float32)).requires_grad_()
    adam = torch.optim.Adam([values], lr=schedule.step_size, betas=schedule.momentum)
    batches = _draw_batches(torch.from_numpy(images), schedule.batch, generator)
    penalty = Penalty(schedule)
    best, smallest, unchanged, made, stopped = None, math.inf, 0, 0, False
    watch = Stopwatch()
    while made < min(steps, schedule.steps) and not stopped:
        share, size = _run_step(
            classifier, values, adam, batches, label=label, penalty=penalty.value, schedule=schedule
        )
        made += 1
        enough = share >= schedule.success
        if enough and size < smallest:
            best, smallest, unchanged = values.detach().clone(), size, 0
        elif best is not None:
            unchanged += 1
        stopped = early and penalty.rose and penalty.fell and unchanged >= schedule.stop_patience
        penalty.update(enough)
    spent = watch.read()
    trigger = _decode(values.detach() if best is None else best)
    return Course(label, trigger, made, made * schedule.passes_per_step, spent, stopped)


def _run_step(
    classifier: nn.Module,
    values: Tensor,
    adam: torch.optim.Optimizer,
    batches: Iterator[Tensor],
    *,
    label: int,
    penalty: float,
    schedule: Schedule,
) -> tuple[float, float]:
    """All mini-batches of a step; the share sent to the label and the mean size of the mask over them."""
    hits, sizes = [], []
    for _ in range(schedule.batches):
        images = next(batches)
        mask, pattern = _squash(values)
        logits = classifier(images + mask * (pattern - images))
        targets = torch.full((len(images),), label)
        size = mask.sum()
        adam.zero_grad()
        (F.cross_entropy(logits, targets) + penalty * size).backward()  # type: ignore[no-untyped-call]
        adam.step()
        hits.append((logits.argmax(1) == targets).float().mean().item())
        sizes.append(size.item())
    return float(np.mean(hits)), float(np.mean(sizes))


def _draw_batches(images: Tensor, size: int, generator: np.random.Generator) -> Iterator[Tensor]:
    """Batches without end; every image comes once before one comes again."""
    waiting = np.zeros(0, dtype=np.int64)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, generator.permutation(len(images))])
        yield images[waiting[:size]].contiguous(memory_format=torch.channels_last)
        waiting = waiting[size:]


def _decode(values: Tensor) -> Trigger:
    mask, pattern = _squash(values)
    return Trigger(mask.numpy(), pattern.numpy())


def _squash(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mask `(1, h, w)` and pattern `(c, h, w)`."""
    parts = (torch.tanh(values) + 1) / 2
    return parts[:1], parts[1:]
