"""Model-dependent triggers: patches whose pixels excite chosen neurons of a trained network.

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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.networks import Network
from tools.triggers import Patch, Trigger

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
    network: Network, attack: str, clean: NDArray[np.float32], patch: Patch, *, seed: int, steps: int = 150
) -> Trigger:
    """Optimises a patch on a clean network.

    Args:
        network: Trained on clean data.
        attack: A key of `CHOICES`.
        clean: Clean images `(n, c, h, w)` in [0, 1].
        patch: Where the patch lies.
        seed: Of the first pattern and of the order of images.
        steps: Of Adam.
    """
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(clean)
    mask = torch.from_numpy(patch.mask(*clean.shape[2:]))
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
