"""Shrink perturbations of one family for many labels at once.

For each row, over its samples `x` and with `A` the perturbation, minimize

    objective(f(A(x)))  +  λ · size(A) / unit

over the family's parameters with Adam; the smallest perturbation at which enough samples obeyed is kept. `λ` is steered
by success (`schedule`). Rows do not know each other: the course of a label does not depend on its company.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.errors import OutOfTimeError
from onnxaudit.inversion.adam import Adam, AdamConfig
from onnxaudit.inversion.forwards import to_floats
from onnxaudit.inversion.objectives import Objective
from onnxaudit.inversion.schedule import Penalty, Schedule
from onnxaudit.perturbations.base import Family, Fields
from onnxaudit.workers import Workers, cut_tensor

Respond = Callable[[Tensor], Tensor]
"""Logits `(m, classes)` of perturbed images or features `(m, ...)`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """What is shrunk, for whom and over what.

    Attributes:
        family: of the perturbations.
        respond: the network.
        objective: what perturbed samples are to do.
        samples: clean images or features, `(samples, ...)`; images may be held as bytes.
        labels: of the rows, `(rows,)`.
        starts: parameters to start from, `(rows, ...)`.
        order: positions in `samples` that each step sees, `(rows, steps, n)`; taken in turn where steps outnumber them.
        unit: the size at which the penalty is `λ`.
    """

    family: Family
    respond: Respond
    objective: Objective
    samples: Tensor
    labels: Tensor
    starts: Tensor
    order: Tensor
    unit: float = 1.0


class Shrinking:
    """The state of an inversion; row `k` of each tensor belongs to `problem.labels[k]`.

    Attributes:
        problem: what is shrunk.
        active: rows still optimized.
        steps: how many were made.
        most_steps: how many are made at most.
        steps_of: how many each row took part in, `(rows,)`.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        steps: int,
        adam: AdamConfig,
        schedule: Schedule,
        most_rows: int,
        workers: Workers,
        even: bool = True,
    ) -> None:
        """Nothing has been done yet.

        Args:
            problem: what is shrunk.
            steps: at most so many.
            adam: settings of the optimizer.
            schedule: of the penalty.
            most_rows: that go through the network at once on one core.
            workers: share the work of a step.
            even: whether it is cut into an even number of parts, see `cut_tensor`.
        """
        self.problem, self.most_steps = problem, steps
        self._most_rows, self._workers, self._even = most_rows, workers, even
        rows, device = len(problem.labels), problem.starts.device
        self._values, self._best = problem.starts.clone(), problem.starts.clone()
        self._adam = Adam(self._values, adam)
        self._penalty = Penalty(rows, schedule, device)
        self.active = torch.arange(rows, device=device)
        self.steps_of = torch.zeros(rows, dtype=torch.int64, device=device)
        self.steps = 0

    @property
    def sizes(self) -> Tensor:
        """Of the smallest perturbations with enough success, `(rows,)`; infinite where there is none."""
        return self._penalty.best

    @property
    def values(self) -> Tensor:
        """Parameters of these, and of the last ones where there is none, `(rows, ...)`."""
        found = self.sizes.isfinite().view(-1, *[1] * (self._values.ndim - 1))
        return torch.where(found, self._best, self._values)

    def run(self, deadline: Deadline, on_step: Callable[["Shrinking"], None] | None = None) -> bool:
        """All steps, or as many as there is time for; says whether it was enough.

        A network with a deadline of its own may end a step half-way: rows then stand at different steps.
        """
        with contextlib.suppress(OutOfTimeError):
            while len(self.active) and not deadline.passed:
                self.step()
                if on_step is not None:
                    on_step(self)
        return not len(self.active)

    def go_on(self, rows: Tensor, steps: int) -> None:
        """Let `rows` alone make further steps, from where they stand; what they had found counts for nothing."""
        self._penalty.best[rows] = torch.inf
        self.active, self.most_steps = rows, self.steps + steps

    def step(self) -> None:
        """One step for every active row; settled rows then leave."""
        self._workers.map(self._advance, cut_tensor(self.active, self._most_rows, even=self._even))
        self.steps_of[self.active] += 1
        self.steps += 1
        self.active = self._penalty.unsettled(self.active, self.steps)[: None if self.steps < self.most_steps else 0]

    def _advance(self, rows: Tensor) -> None:
        """A step of some rows; parts have no row in common, so that they may run side by side."""
        values = self._values[rows].requires_grad_(True)
        fields = self.problem.family.decode(values)
        losses, success = self._try(rows, fields)
        sizes = self.problem.family.size(fields)
        weights, better = self._penalty.update(rows, self.steps, sizes=sizes.detach(), success=success)
        loss = (losses + weights * sizes / self.problem.unit).sum()
        (gradients,) = torch.autograd.grad(loss, values)
        self._best[rows[better]] = values.detach()[better]
        self._values[rows] = self._adam.step(rows, values.detach(), gradients, self.steps + 1)

    def _try(self, rows: Tensor, fields: Fields) -> tuple[Tensor, Tensor]:
        """Losses and shares of samples that obey, `(rows,)` each."""
        problem = self.problem
        index = problem.order[rows, self.steps % problem.order.shape[1]]
        perturbed = problem.family.apply(fields, to_floats(problem.samples[index])).flatten(0, 1)
        logits = problem.respond(perturbed)
        losses, obeying = problem.objective(logits.reshape(*index.shape, -1), problem.labels[rows], index)
        return losses, obeying.float().mean(dim=1)


def respond_to_images(classifier: nn.Module) -> Respond:
    """Logits of images, laid out as convolutions like them best."""
    return lambda images: classifier(images.contiguous(memory_format=torch.channels_last))
