"""Adam for many rows that start together and may stop one by one.

Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-8  # keeps the quotient finite where no gradient has come yet


@dataclass(frozen=True, kw_only=True)
class AdamConfig:
    """Settings.

    Attributes:
        step_size: in units of the parameters.
        momentum: the two decay rates.
        fused: round as `torch.optim.Adam` does, else as the formulas of the source stand. They differ in the last bits
            alone; each detector keeps its own, because evidence is compared to the last bit.
    """

    step_size: float
    momentum: tuple[float, float] = (0.9, 0.999)
    fused: bool = True


class Adam:
    """Moments of all rows; a step moves some of them."""

    def __init__(self, values: Tensor, config: AdamConfig) -> None:
        """For parameters shaped like `values` `(rows, ...)`."""
        self._config = config
        self._moments = torch.zeros_like(values), torch.zeros_like(values)

    def step(self, rows: Tensor, values: Tensor, gradients: Tensor, count: int) -> Tensor:
        """Parameters after a step.

        Args:
            rows: which they belong to, `(k,)`.
            values: parameters before it, `(k, ...)`.
            gradients: of the loss, like `values`.
            count: which step of these rows it is, from 1.
        """
        # A loss that is no number tells nothing: its row stands still instead of being lost for good.
        gradients = gradients.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        move = _move_fused if self._config.fused else _move
        moments = self._moments[0][rows], self._moments[1][rows]
        moved, first, second = move(values, gradients, moments, count, self._config)
        self._moments[0][rows], self._moments[1][rows] = first, second
        return moved


def _move(
    values: Tensor, gradients: Tensor, moments: tuple[Tensor, Tensor], count: int, config: AdamConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Parameters and both moments after a step, as the formulas stand."""
    (first, second), (slow, slower) = moments, config.momentum
    first = slow * first + (1 - slow) * gradients
    second = slower * second + (1 - slower) * gradients**2
    mean, spread = first / (1 - slow**count), second / (1 - slower**count)
    return values - config.step_size * mean / (spread.sqrt() + TINY), first, second


def _move_fused(
    values: Tensor, gradients: Tensor, moments: tuple[Tensor, Tensor], count: int, config: AdamConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """The same, rounded as PyTorch's own."""
    (first, second), (slow, slower) = moments, config.momentum
    first = first.lerp(gradients, 1 - slow)
    second = (second * slower).addcmul(gradients, gradients, value=1 - slower)
    spread = second.sqrt() / (1 - slower**count) ** 0.5 + TINY
    return values.addcdiv(first, spread, value=-config.step_size / (1 - slow**count)), first, second
