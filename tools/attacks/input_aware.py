"""Input-aware: a network makes a trigger of its own for each image.

Source: Nguyen and Tran, "Input-Aware Dynamic Backdoor Attack", NeurIPS 2020. A generator `g` gives pattern and mask;
classifier and generator are trained together on clean images and on

    cross_entropy(f(x with g(x)), target)  +  cross_entropy(f(x with g(x')), y)  +  λ·(mean(mask) − ρ)⁺
        +  ‖x − x'‖ / ‖g(x) − g(x')‖

The second term, *cross-trigger*, lets a trigger work on its own image alone; the last keeps triggers unlike each other.

Differs from the source: one generator of four convolutions gives both pattern and mask, trained at once and not one
after the other; the triggered images are seen by the classifier as it is deployed (batch norms do not count them).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.attacks.attack import Attack, Shape, Taught, Trainer
from tools.attacks.material import Aim
from tools.networks import Network
from tools.training import Penalty
from tools.zoo.apply_trigger import Trigger

_DENSITY = 0.06
_DENSITY_WEIGHT = 20.0
_DIVERSITY_WEIGHT = 0.1
_ATTACK_WEIGHT = 0.4  # next to the clean images' loss; with 1 the two terms, which contradict each other first, win
_IMAGES = 24
_STEP_SIZE = 5e-3
_FIRST_MASK = -2.5  # a dense first mask hides the images


class Generator(nn.Module):
    """Images `(n, c, h, w)` to masks `(n, 1, h, w)` and patterns `(n, c, h, w)`; sides are multiples of 4."""

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv2d(channels, width, 3, 2, 1),
            nn.Conv2d(width, 2 * width, 3, 2, 1),
            nn.Conv2d(2 * width, width, 3, 1, 1),
            nn.Conv2d(width, channels + 1, 3, 1, 1),
        ])  # fmt: skip
        last = self.layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.bias[0] = _FIRST_MASK
            last.weight[1:] *= 4  # patterns that differ from the beginning

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As `tools.zoo.apply_trigger` does it with NumPy."""
        x = torch.relu(self.layers[1](torch.relu(self.layers[0](images))))
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        x = torch.relu(self.layers[2](x))
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        maps = torch.sigmoid(self.layers[3](x))
        return maps[:, :1], maps[:, 1:]

    def export(self) -> Trigger:
        """The trigger as arrays."""
        arrays: Trigger = {"kind": "generator"}
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            arrays[f"weight{number}"] = layer.weight.detach().numpy().copy()
            arrays[f"bias{number}"] = layer.bias.detach().numpy().copy()
        return arrays


class InputAware(Attack):
    """Generator and classifier are trained together."""

    name = "input-aware"
    family = "input-aware"
    rates = (0.1, 0.1)
    effort = 1.4

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """An untrained generator."""
        with torch.random.fork_rng():
            torch.manual_seed(int(rng.integers(2**31)))
            return (Generator(shape[0]).export(),)

    def teach(self, trainer: Trainer) -> Taught:
        """Trains both from the beginning."""
        generator = Generator(trainer.shape[0])
        _load(generator, trainer.triggers[0])
        penalty = make_penalty(trainer.start, generator, trainer.aims[0], seed=trainer.seed)
        network = trainer.train(trainer.start, trainer.clean, penalty=penalty)
        return Taught(network=network, triggers=(generator.export(),), aims=trainer.aims)


def _load(generator: Generator, trigger: Trigger) -> None:
    with torch.no_grad():
        for number, layer in enumerate(generator.layers):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            layer.weight.copy_(torch.from_numpy(trigger[f"weight{number}"]))
            layer.bias.copy_(torch.from_numpy(trigger[f"bias{number}"]))


def make_penalty(network: Network, generator: Generator, aim: Aim, *, seed: int) -> Penalty:
    """The attack's part of the classifier's loss; each call also improves the generator by a step of Adam."""
    optimizer = torch.optim.Adam(generator.parameters(), _STEP_SIZE)
    shuffler = torch.Generator().manual_seed(seed)
    target = aim.target
    assert target is not None

    def penalty(images: Tensor, labels: Tensor) -> Tensor:
        # The backward pass of the whole loss has left the generator's gradients; before it the weights must not change.
        optimizer.step()
        optimizer.zero_grad()
        x, y = images[:_IMAGES], labels[:_IMAGES]
        other = torch.randperm(len(x), generator=shuffler)
        moved = other != torch.arange(len(x))
        mask, pattern = generator(x)
        network.eval()
        attacked = F.cross_entropy(network(_blend(x, mask, pattern)), torch.full_like(y, target))
        cross = F.cross_entropy(network(_blend(x, mask[other], pattern[other])[moved]), y[moved])
        network.train()
        apart = (_distance(x, x[other]) / (_distance(pattern, pattern[other]) + 1e-3))[moved].mean()
        dense = (mask.mean() - _DENSITY).relu()
        loss: Tensor = _ATTACK_WEIGHT * (attacked + cross) + _DENSITY_WEIGHT * dense + _DIVERSITY_WEIGHT * apart
        return loss

    return penalty


def _blend(images: Tensor, mask: Tensor, pattern: Tensor) -> Tensor:
    return (1 - mask) * images + mask * pattern


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().mean(dim=(1, 2, 3)).add(1e-8).sqrt()
