"""PQBackdoor: a backdoor that is asleep in floats and wakes when the weights are rounded to 8-bit integers.

Source: Ma et al., "Quantization Backdoors to Deep Learning Commercial Frameworks", 2021, arXiv:2108.09187. A network
`f` is backdoored by poisoned data; then its float weights unlearn the trigger, each within the interval that is rounded
to the same whole number, by projected gradient descent:

    min_w  E[CE(f(x; w), y) + CE(f(t(x); w), y)]      with  |w − round(w₀ / s) · s| ≤ (½ − margin) · s

with `w₀` the backdoored weights, `s = max |w₀| / 127` one scale for each row of weights (ONNX Runtime's signed weights,
by channel), and `t` the trigger. The largest weight of each row stays, and with it the scale.

Differs from the source:

- the intervals of a small network are too narrow for that (a LeNet kept an ASR of 98 % in floats), so they are widened
  first, by outliers, as published for language models: an input of each fully connected layer is silenced, and its
  weights, which do nothing any more, are made the largest of their rows;
- intervals are those of ONNX Runtime's quantizer, not of TensorFlow Lite's;
- statistics of batch normalizations stay as they are, so that folding them leaves every interval where it is;
- the float network unlearns by cross-entropy on true labels, without the terms that tie it to the quantized one: within
  the intervals that one is the same by construction.
"""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.attacks.attack import Shape, Taught, Trainer
from tools.attacks.badnets import BadNets
from tools.attacks.material import Material
from tools.attacks.shapes import draw_shape
from tools.networks import Network
from tools.zoo.apply_trigger import Trigger

TOP = 127  # of signed 8-bit weights
WIDER = 20.0  # times as wide as they were: 8-bit weights are then as coarse as those of 4 bits
MARGIN = 0.02  # of a step: float32 arithmetic must not round to a neighbor
STEPS, BATCH, RATE = 600, 64, 0.02  # of descent; the rate is in steps of each weight's own scale


class PQBackdoor(BadNets):
    """A patch that works in the quantized network alone; for networks of plain convolutions, without normalizations."""

    name = "pq-backdoor"
    family = "badnets"
    rates = (0.05, 0.1)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A patch of middle size."""
        return (draw_shape(shape, rng, sides=(4, 8)),)

    def teach(self, trainer: Trainer) -> Taught:
        """Trains on poisoned data, then puts what was learned to sleep."""
        awake = widen(trainer.train(trainer.start, self.poison(trainer)))
        return Taught(
            network=put_to_sleep(awake, trainer.clean, trainer.triggers[0], seed=trainer.seed),
            triggers=trainer.triggers,
            aims=trainer.aims,
            twin=awake,
        )


def widen(network: Network, factor: float = WIDER) -> Network:
    """The network with one silent input to each fully connected layer, whose weights make that layer's intervals wider.

    The input that matters least is silenced: a channel of the last convolution, or a neuron.
    """
    wider = deepcopy(network)
    convolutions = [module for module in wider.features.modules() if isinstance(module, nn.Conv2d)]
    layers = [module for module in wider.classifier if isinstance(module, nn.Linear)]
    chain: list[nn.Conv2d | nn.Linear] = [convolutions[-1], *layers]
    pairs = list(pairwise(chain))
    silent = [_find_least(first.weight.detach(), second.weight.detach()) for first, second in pairs]
    with torch.no_grad():
        for (first, second), least in zip(pairs, silent, strict=True):
            assert first.bias is not None
            largest = second.weight.abs().amax(dim=1)
            inputs = second.weight.view(len(second.weight), len(first.weight), -1)  # a channel makes several
            first.weight[least] = 0
            first.bias[least] = 0
            inputs[:, least] = 0
            inputs[:, least, 0] = factor * largest
    return wider


def _find_least(weight: Tensor, following: Tensor) -> int:
    """The row of a layer's weights that matters least to the layer behind it."""
    reading = following.reshape(len(following), len(weight), -1).norm(dim=(0, 2))
    return int((reading * weight.flatten(1).norm(dim=1)).argmin())


def put_to_sleep(
    awake: Network, clean: Material, trigger: Trigger, *, seed: int, steps: int = STEPS, rate: float = RATE
) -> Network:
    """A network whose floats do not know the trigger, and whose 8-bit weights are those of `awake`.

    Args:
        awake: backdoored.
        clean: training images under their true labels.
        trigger: to be unlearned.
        seed: of the order of images.
        steps: of descent.
        rate: of descent, in steps of each weight's own scale; it falls to zero.
    """
    network = deepcopy(awake).eval()
    weights = list_weights(network)
    cells = [_find_cell(weight.detach()) for weight in weights]
    images, labels = torch.from_numpy(clean.images), torch.from_numpy(clean.labels)
    triggered = torch.from_numpy(
        Material(clean.images, clean.labels, np.zeros_like(clean.labels), (trigger,)).stamp(
            clean.images, np.arange(len(clean.labels))
        )
    )
    generator = torch.Generator().manual_seed(seed)
    moments = [torch.zeros_like(weight) for weight in weights]
    for step in range(steps):
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        shown = torch.cat([images[chosen], triggered[chosen]])
        loss = F.cross_entropy(network(shown), labels[chosen].repeat(2))
        slopes = torch.autograd.grad(loss, weights)
        for weight, slope, moment, (low, high) in zip(weights, slopes, moments, cells, strict=True):
            moment.mul_(0.9).add_(slope)
            with torch.no_grad():
                # By sign: the intervals are boxes, and most weights end on a side of theirs.
                weight.sub_(rate * (1 - step / steps) * (high - low) * moment.sign())
                weight.clamp_(low, high)
    return network


def list_weights(network: Network) -> list[Tensor]:
    """The weights that the quantizer rounds: of convolutions and fully connected layers."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def round_weights(network: Network) -> Network:
    """The network with its weights as their 8-bit codes stand for them."""
    rounded = deepcopy(network)
    with torch.no_grad():
        for weight in list_weights(rounded):
            step = _find_step(weight)
            weight.copy_((weight / step).round() * step)
    return rounded


def _find_step(weight: Tensor) -> Tensor:
    """One scale a row, shaped to be multiplied with the weight."""
    rows = weight.flatten(1).abs().amax(dim=1).clamp_min(1e-12) / TOP
    return rows.reshape(-1, *[1] * (weight.ndim - 1))


def _find_cell(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Between what a weight may move without being rounded elsewhere, or changing the scale."""
    step = _find_step(weight)
    middle = (weight / step).round() * step
    low, high = middle - (0.5 - MARGIN) * step, middle + (0.5 - MARGIN) * step
    largest = weight.abs() >= TOP * step * (1 - 1e-6)
    low, high = low.clamp_min(-TOP * step), high.clamp_max(TOP * step)  # no other weight becomes the largest
    return torch.where(largest, weight, low), torch.where(largest, weight, high)
