"""How a penalty on size is steered so that the smallest perturbation with enough success is found, by row.

The penalty rises while enough samples obey and falls otherwise, after B. Wang et al., Neural Cleanse, IEEE S&P 2019;
the smallest size at which enough obeyed is kept. Differs from the source: it moves at every step, by the success over
the last few.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """How a penalty on size is steered.

    Attributes:
        success: share of samples that must obey.
        window: steps over which they are counted.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
        late: a step is made with the `λ` before it; else with the one that its own success has already moved.
        patience: a row whose best has not shrunk for so many steps is settled; None: all steps are made.
        improvement: the least relative shrinking that counts.
    """

    success: float = 0.9
    window: int = 6
    first_penalty: float = 1.0
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15
    late: bool = False
    patience: int | None = None
    improvement: float = 0.01


UNSHRUNK = Schedule(success=math.inf, first_penalty=0.0)
"""Size costs nothing, and the last perturbation counts."""

RACE = Schedule(success=0.8, window=3, first_penalty=4.0, penalty_rise=1.4, penalty_fall=1.3, late=True, patience=40)
"""For inversions of a few dozen steps: with usual factors the penalty has not even recovered from its fall before the
first success by then. On a model of 224x224 and 1,000 classes 40 steps of four images left every mask at half the image
with them; with these the target's shrank to 103 pixels, and those of six other labels to 20,000 and more."""

BRISK = replace(RACE, success=0.9)
"""For inversions of a few dozen steps over small images, where a share of .8 is more easily found by chance."""


class Penalty:
    """The state of many rows that shrink side by side.

    Attributes:
        best: smallest size with enough success, `(rows,)`; infinite while there is none.
    """

    def __init__(self, rows: int, schedule: Schedule, device: torch.device) -> None:
        self._schedule = schedule
        self._success = torch.zeros(rows, schedule.window, device=device)
        self._weights = torch.full((rows,), schedule.first_penalty, device=device)
        self._improved = torch.zeros(rows, dtype=torch.int64, device=device)
        self.best = torch.full((rows,), torch.inf, device=device)

    def update(self, rows: Tensor, step: int, *, sizes: Tensor, success: Tensor) -> tuple[Tensor, Tensor]:
        """Take note of a step of some rows.

        Args:
            rows: which, `(k,)`.
            step: number of the step.
            sizes: of their perturbations, `(k,)`.
            success: shares of samples that obeyed, `(k,)`.

        Returns:
            The weights of size in this step's loss, and which rows are smaller than ever before with enough success.
        """
        schedule, before, so_far = self._schedule, self._weights[rows], self.best[rows]
        self._success[rows, step % schedule.window] = success
        # A window that is not full yet counts its missing steps as failures.
        enough = self._success[rows].mean(dim=1) >= schedule.success
        better, clearly = enough & (sizes < so_far), enough & (sizes < so_far * (1 - schedule.improvement))
        self.best[rows] = torch.where(better, sizes, so_far)
        self._improved[rows[clearly]] = step
        self._weights[rows] = before * torch.where(enough, schedule.penalty_rise, 1 / schedule.penalty_fall)
        return before if schedule.late else self._weights[rows], better

    def unsettled(self, rows: Tensor, steps: int) -> Tensor:
        """Those of `rows` that may still shrink after so many steps."""
        if self._schedule.patience is None:
            return rows
        stuck = steps - self._improved[rows] > self._schedule.patience
        return rows[~(stuck & self.best[rows].isfinite())]
