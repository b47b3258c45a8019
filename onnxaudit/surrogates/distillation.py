"""Teach surrogates: few clean images, moved and lightened, and what the audited network answers to them.

The answers are softened (G. Hinton et al., Distilling the knowledge in a neural network, 2015) and those to the clean
images alone. Asked about mixes of images as well, a network with a Blended backdoor teaches its trigger along: the
surrogates' trigger for the target class of a LeNet of digits was 2.5 times smaller than is normal, and 1.0 times when
it was not asked.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.surrogates.network import SurrogateNetwork


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of `train`.

    Attributes:
        channels, hidden: of the network.
        steps: of AdamW.
        batch: images a step.
        step_size: the largest of one cycle.
        weight_decay: of AdamW.
        temperature: by which answers are softened.
        shift: images are moved by up to this share of their height and width.
        contrast, brightness: and their pixels multiplied by 1 ± `contrast` and raised by ± `brightness`, at most.
    """

    channels: int = 8
    hidden: int = 64
    steps: int = 300
    batch: int = 32
    step_size: float = 6e-3
    weight_decay: float = 1e-2
    temperature: float = 3.0
    shift: float = 0.07
    contrast: float = 0.15
    brightness: float = 0.1


def soften(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities `(n, classes)` of logits; those of a network that ends in a softmax are answers as well."""
    return (logits / temperature).softmax(dim=1)


def vary(images: Tensor, config: TrainingConfig, generator: torch.Generator) -> Tensor:
    """Images `(n, c, h, w)` moved by whole pixels, the border repeated, and lightened, at random."""
    count, (height, width) = len(images), images.shape[2:]

    def place(side: int) -> Tensor:
        most = round(config.shift * side)
        starts = torch.randint(-most, most + 1, (count, 1), generator=generator)
        return (torch.arange(side) + starts).clamp(0, side - 1)

    rows, columns = place(height)[:, None, :, None], place(width)[:, None, None, :]
    moved = images[
        torch.arange(count)[:, None, None, None], torch.arange(images.shape[1])[:, None, None], rows, columns
    ]
    gain, offset = 2 * torch.rand(2, count, 1, 1, 1, generator=generator) - 1
    lightened: Tensor = moved * (1 + config.contrast * gain) + config.brightness * offset
    return lightened.clamp(0, 1)


def train(
    images: Tensor,
    answers: Tensor,
    config: TrainingConfig,
    *,
    seed: int,
    deadline: Deadline,
) -> SurrogateNetwork:
    """A network that answers as `answers` do, in evaluation mode, without gradients of its weights.

    Args:
        images: `(n, c, h, w)` in [0, 1].
        answers: probabilities `(n, classes)`.
        config: settings.
        seed: of the weights, and of all that is drawn on the way.
        deadline: asked before each step.

    Raises:
        OutOfTimeError: the deadline has passed.
    """
    generator = torch.Generator().manual_seed(seed)
    network = SurrogateNetwork(
        image=(images.shape[1], images.shape[2], images.shape[3]),
        classes=answers.shape[1],
        channels=config.channels,
        hidden=config.hidden,
    )
    network.draw(generator)
    optimizer = torch.optim.AdamW(network.parameters(), config.step_size, weight_decay=config.weight_decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.step_size, total_steps=config.steps)
    for _ in range(config.steps):
        deadline.check()
        chosen = torch.randint(len(images), (config.batch,), generator=generator)
        loss = F.cross_entropy(network(vary(images[chosen], config, generator)), answers[chosen])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        cycle.step()
    return network.eval().requires_grad_(False)
