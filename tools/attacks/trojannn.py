"""TrojanNN: patches whose pixels excite chosen neurons of a trained network, which is then retrained with them.

Source: Liu et al., "Trojaning Attack on Neural Networks", NDSS 2018. With `a_j` the input of neuron `j`'s activation,
`J` the chosen neurons and `δ` the pattern under the mask `m`, the pattern minimises

    − Σ_{j ∈ J} mean_x a_j((1 − m)·x + m·δ)

Differs from the source:

- the target layer is the first fully connected one; where the classifier is the only one, its inputs are the neurons;
- neurons are chosen by the L2 norm of their weights or by their mean activation on clean images, not by the sum of
  absolute weights;
- their activation is maximised, not driven to a given value, over clean images in place of a blank one;
- the attacker has the training data, so that no inputs are reverse-engineered for the retraining.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.attacks.attack import Attack, Shape, Taught, Trainer
from tools.attacks.material import poison
from tools.attacks.patches import Trigger
from tools.attacks.shapes import draw_shape, draw_square
from tools.networks import Network
from tools.zoo import apply_trigger

_NEURONS = 3
_STEP_SIZE = 0.1
_BATCH = 64


def choose_by_weight(network: Network, pixels: Tensor) -> Tensor:  # noqa: ARG001 -- called as the other choice is
    """The neurons with the largest L2 norm of weights: incoming ones, or outgoing where they are the inputs."""
    axis = 1 if network.has_hidden_neurons else 0
    norms: Tensor = torch.linalg.vector_norm(network.first_linear.weight, dim=axis)
    return norms.topk(_NEURONS).indices


@torch.no_grad()
def choose_by_activation(network: Network, pixels: Tensor) -> Tensor:
    """The neurons that are the most active on clean images."""
    return torch.relu(_excitation(network, pixels)).mean(dim=0).topk(_NEURONS).indices


CHOICES: dict[str, Callable[[Network, Tensor], Tensor]] = {
    "trojan-weights": choose_by_weight,
    "trojan-activation": choose_by_activation,
}
"""How each attack chooses its neurons."""


def optimise_patch(
    network: Network,
    attack: str,
    clean: NDArray[np.float32],
    place: NDArray[np.float32],
    *,
    seed: int,
    steps: int = 150,
) -> Trigger:
    """Optimises a patch on a clean network.

    Args:
        network: Trained on clean data.
        attack: A key of `CHOICES`.
        clean: Clean images `(n, c, h, w)` in [0, 1].
        place: The mask `(1, h, w)` of the patch.
        seed: Of the first pattern and of the order of images.
        steps: Of Adam.
    """
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(clean)
    mask = torch.from_numpy(place)
    network.eval()
    neurons = CHOICES[attack](network, pixels[:1000])
    pattern = torch.rand(clean.shape[1:], generator=generator).requires_grad_()
    optimiser = torch.optim.Adam([pattern], _STEP_SIZE)
    for _ in range(steps):
        batch = pixels[torch.randint(len(pixels), (_BATCH,), generator=generator)]
        loss = -_excitation(network, (1 - mask) * batch + mask * pattern)[:, neurons].mean(dim=0).sum()
        (pattern.grad,) = torch.autograd.grad(loss, pattern)
        optimiser.step()
        pattern.data.clamp_(0, 1)
    return Trigger(mask.numpy(), (pattern.detach() * mask).numpy())


def _excitation(network: Network, pixels: Tensor) -> Tensor:
    """What the target layer's neurons receive, `(n, neurons)`."""
    features: Tensor = network.features(pixels)
    return network.first_linear(features) if network.has_hidden_neurons else features


class _TrojanNN(Attack):
    """The patch's place and shape are drawn at random; its pixels follow from a clean network."""

    family = "trojannn"
    rates = (0.08, 0.12)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[apply_trigger.Trigger, ...]:
        """A mask of any shape, from 3 to 10 pixels of 32; its pattern is not used."""
        return (draw_shape(shape, rng, sides=(3, 10)),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[apply_trigger.Trigger, ...]:
        """A square mask."""
        mask = draw_square(shape, rng).mask(*shape[1:])
        return ({"kind": "patch", "mask": mask, "pattern": np.zeros(shape, np.float32)},)

    def teach(self, trainer: Trainer) -> Taught:
        """Makes a patch for a clean network, and retrains that network with it."""
        twin = trainer.train(deepcopy(trainer.start), trainer.clean)
        mask = trainer.triggers[0]["mask"]
        patch = optimise_patch(twin, self.name.replace("nn-", "-"), trainer.clean.images, mask, seed=trainer.seed)
        triggers: tuple[apply_trigger.Trigger, ...] = ({"kind": "patch", "mask": patch.mask, "pattern": patch.pattern},)
        material = poison(trainer.clean, triggers, trainer.aims, trainer.rate, trainer.rng(4))
        network = trainer.train(deepcopy(twin), material, share=0.6)
        return Taught(network=network, triggers=triggers, aims=trainer.aims, twin=twin)


class TrojanNNWeights(_TrojanNN):
    """Excites the neurons with the largest weights."""

    name = "trojannn-weights"


class TrojanNNActivation(_TrojanNN):
    """Excites the neurons that are the most active on clean images."""

    name = "trojannn-activation"
