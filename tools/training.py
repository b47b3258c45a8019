"""Seeded training on one core; the same seed gives the same weights with the same version of torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Prepare = Callable[[Tensor, Tensor], Tensor]
"""Images as they are shown, from those of a batch and their positions in the training set."""

Penalty = Callable[[Tensor, Tensor], Tensor]
"""What is added to the loss, from the images of a batch and their labels."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: AdamW with one cycle of the learning rate."""

    epochs: int
    peak_rate: float = 3e-3
    batch: int = 64
    weight_decay: float = 1e-3


def train(
    network: nn.Module,
    pixels: NDArray[np.float32],
    labels: NDArray[np.int64],
    schedule: Schedule,
    *,
    seed: int,
    prepare: Prepare | None = None,
    penalty: Penalty | None = None,
) -> None:
    """Trains `network` in place on images `(n, c, h, w)` in [0, 1], and leaves it in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(pixels), torch.from_numpy(labels)
    steps = len(x) // schedule.batch
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=schedule.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.peak_rate, total_steps=schedule.epochs * steps)
    network.train()
    for _ in range(schedule.epochs):
        order = torch.randperm(len(x), generator=generator)
        for chosen in torch.split(order[: steps * schedule.batch], schedule.batch):
            images = prepare(x[chosen], chosen) if prepare else x[chosen]
            loss = F.cross_entropy(network(images), y[chosen])
            if penalty:
                loss = loss + penalty(x[chosen], y[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            rates.step()
    network.eval()


@torch.no_grad()
def measure_accuracy(network: nn.Module, pixels: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of images `(n, c, h, w)` that `network` classifies correctly."""
    predicted = network(torch.from_numpy(pixels)).argmax(dim=1).numpy()
    return float(np.mean(predicted == labels))
