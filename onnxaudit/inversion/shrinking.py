"""How a penalty on size is steered so that the smallest change with enough success is found, by row.

The penalty rises while enough samples obey and falls otherwise, after B. Wang et al., Neural Cleanse, IEEE S&P 2019;
the smallest size at which enough obeyed is kept. Differs from the source: it moves at every step, by the success over
the last few.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """How a penalty on size is steered: see `Shrinking`.

    Attributes:
        success: share of samples that must obey.
        window: steps over which they are counted.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
    """

    success: float = 0.9
    window: int = 6
    first_penalty: float = 1.0
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15


class Shrinking:
    """The state of many rows that shrink side by side.

    Attributes:
        penalty: weight of the size in the loss, `(rows,)`.
        best: smallest size with enough success, `(rows,)`; infinite while there is none.
    """

    def __init__(self, rows: int, schedule: Schedule, device: torch.device) -> None:
        self._schedule = schedule
        self._success = torch.zeros(rows, schedule.window, device=device)
        self._steps = 0
        self.penalty = torch.full((rows,), schedule.first_penalty, device=device)
        self.best = torch.full((rows,), torch.inf, device=device)

    def update(self, sizes: Tensor, success: Tensor) -> Tensor:
        """Take note of a step: sizes and shares of samples that obeyed, `(rows,)` each.

        Returns:
            Which rows are now smaller than ever before with enough success, `(rows,)`.
        """
        self._success[:, self._steps % self._schedule.window] = success
        self._steps += 1
        # A window that is not full yet counts its missing steps as failures.
        enough = self._success.mean(dim=1) >= self._schedule.success
        better = enough & (sizes.detach() < self.best)
        self.best = torch.where(better, sizes.detach(), self.best)
        self.penalty = self.penalty * torch.where(enough, self._schedule.penalty_rise, 1 / self._schedule.penalty_fall)
        return better


def descend(loss: Tensor, values: Tensor, adam: torch.optim.Optimizer) -> None:
    """One step down; where the gradient is no number the values stand still instead of being lost for good."""
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    values.grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
    adam.step()
