"""I-BAU: unlearn the worst change that all images can share, with the gradient of how that change answers.

    minimise over θ   mean_x cross_entropy(g_θ(x'), y),   x' = x + δ*(θ) for some of the images, else x
    δ*(θ) = argmax over δ   mean_x cross_entropy(g_θ(x + δ), ŷ) − κ·‖δ‖²,   ‖δ‖ ≤ r

With the map `Φ(δ, θ) = δ + a·∇_δ(inner objective)`, of which `δ*` is a fixed point, the gradient of the outer loss `L`
is

    ∇_θ L + v·∂Φ/∂θ,   v = v·∂Φ/∂δ + ∇_δ L   by fixed-point iteration

Source: Y. Zeng et al., Adversarial Unlearning of Backdoors via Implicit Hypergradient, ICLR 2022. `ŷ` are the network's
own answers. No inverted trigger is used but to choose.

Differs from the source: with a few images a class there are few batches in a round, so that there are more rounds and a
larger share of the images carries `δ`; Adam's step size is chosen from a grid; batch norms keep their statistics.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.baselines.problem import Baseline, Problem, Setting
from onnxaudit.importer import write_back
from onnxaudit.intake import Model
from onnxaudit.surgery import tunable_weights


@dataclass(frozen=True)
class Schedule:
    """Settings.

    Attributes:
        rounds: of both problems.
        batch: images in one.
        ascent: step size of the inner problem.
        penalty: `κ`.
        radius: `r`.
        map_step: `a`.
        iterations: of the fixed point.
        share: of the images of an outer batch that carry `δ`.
    """

    rounds: int = 10
    batch: int = 32
    ascent: float = 10.0
    penalty: float = 0.001
    radius: float = 10.0
    map_step: float = 0.1
    iterations: int = 5
    share: float = 0.1


def apply(problem: Problem, setting: Setting, schedule: Schedule = Schedule()) -> Model:
    """One step size."""
    copy, draw = problem.copy(problem.original), torch.Generator().manual_seed(problem.seed)
    names = [name for name in tunable_weights(problem.original) if name in copy.model.weights]
    weights = [copy.model.weights[name] for name in names]
    images, labels = torch.from_numpy(problem.fitting.images), torch.from_numpy(problem.fitting.classes)
    copy.model.unfreeze(names)
    adam = torch.optim.Adam(weights, lr=setting["step_size"])
    for _ in range(schedule.rounds):
        change = find_worst_change(copy, images, schedule, draw)
        for chosen in torch.split(torch.randperm(len(images), generator=draw), schedule.batch):
            marked = torch.rand(len(chosen), generator=draw) < schedule.share
            gradients = differentiate(
                copy, weights, images[chosen], labels[chosen], change=change, marked=marked, schedule=schedule
            )
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
            adam.step()
    copy.model.freeze()
    return write_back(problem.original, copy.model)


def find_worst_change(network: nn.Module, images: Tensor, schedule: Schedule, draw: torch.Generator) -> Tensor:
    """`δ*` `(1, c, h, w)` after one pass over the images."""
    change = torch.zeros_like(images[:1]).requires_grad_()
    for chosen in torch.split(torch.randperm(len(images), generator=draw), schedule.batch):
        (gradient,) = torch.autograd.grad(_objective(network, images[chosen], change, schedule), change)
        change = (change + schedule.ascent * gradient).detach().requires_grad_()
    norm = float(change.detach().norm())
    return change.detach() * min(1.0, schedule.radius / max(norm, 1e-12))


def differentiate(
    network: nn.Module,
    weights: list[nn.Parameter],
    images: Tensor,
    labels: Tensor,
    *,
    change: Tensor,
    marked: Tensor,
    schedule: Schedule,
) -> list[Tensor]:
    """The outer gradient by each weight; `marked` says which images carry the change."""
    change = change.detach().requires_grad_()
    loss = F.cross_entropy(network(images + marked[:, None, None, None] * change), labels)
    direct, *gradients = torch.autograd.grad(loss, [change, *weights], allow_unused=True)
    (slope,) = torch.autograd.grad(_objective(network, images, change, schedule), change, create_graph=True)
    mapped = change + schedule.map_step * slope
    vector = torch.zeros_like(change)
    for _ in range(schedule.iterations):
        (carried,) = torch.autograd.grad(mapped, change, vector, retain_graph=True)
        vector = carried + direct
    indirect = torch.autograd.grad(mapped, weights, vector, allow_unused=True)
    return [_add(first, second, weight) for first, second, weight in zip(gradients, indirect, weights, strict=True)]


def _objective(network: nn.Module, images: Tensor, change: Tensor, schedule: Schedule) -> Tensor:
    """What the inner problem makes large."""
    with torch.no_grad():
        answers = network(images).argmax(dim=1)
    return F.cross_entropy(network(images + change), answers) - schedule.penalty * change.square().sum()


def _add(first: Tensor | None, second: Tensor | None, like: Tensor) -> Tensor:
    total = torch.zeros_like(like)
    for part in (first, second):
        if part is not None:
            total = total + part
    return total


BASELINE = Baseline("Zeng et al., ICLR 2022", tuple({"step_size": rate} for rate in (1e-4, 3e-4, 1e-3)), apply)
