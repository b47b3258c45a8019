"""Seeded training on one core; the same seed gives the same weights with the same version of torch."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn


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
            loss = F.cross_entropy(network(x[chosen]), y[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            rates.step()
    network.eval()
