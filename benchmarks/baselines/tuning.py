"""Training a copy on labelled images: what all baselines that tune have in common.

Adam with a step size that falls along a cosine; images are shifted by up to two pixels of 32. Batch norms keep their
statistics, which a handful of images could only spoil.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.baselines.problem import Problem
from onnxaudit.importer import write_back
from onnxaudit.intake import Model
from onnxaudit.mitigation.augmentation import move
from onnxaudit.surgery import tunable_weights

Masks = Mapping[str, npt.NDArray[np.bool_]]
Stamp = Callable[[Tensor, torch.Generator], Tensor]
SHIFT = 0.06  # of the image's side, as the product's own augmentation has it


@dataclass(frozen=True)
class TuningConfig:
    """How long.

    Attributes:
        steps: of Adam.
        batch: images a step.
    """

    steps: int = 200
    batch: int = 32


def tune(
    problem: Problem,
    model: Model,
    step_size: float,
    config: TuningConfig = TuningConfig(),
    *,
    stamp: Stamp | None = None,
    held: Masks | None = None,
) -> Model:
    """`model` after training on the clean samples under their labels.

    Args:
        problem: has the samples.
        model: where training starts.
        step_size: Adam's largest.
        config: how long.
        stamp: changes a batch of images `(n, c, h, w)`.
        held: masks by initializer name of the entries that stay at zero.
    """
    draw = torch.Generator().manual_seed(problem.seed)
    copy = problem.copy(model)
    weights = [copy.model.weights[name] for name in tunable_weights(model) if name in copy.model.weights]
    zeros = [(copy.model.weights[name], torch.from_numpy(mask)) for name, mask in (held or {}).items()]
    images, labels = torch.from_numpy(problem.fitting.images), torch.from_numpy(problem.fitting.classes)
    reach = max(1, round(SHIFT * min(images.shape[2:])))
    copy.model.unfreeze(name for name in tunable_weights(model) if name in copy.model.weights)
    adam = torch.optim.Adam(weights)
    for step in range(config.steps):
        adam.param_groups[0]["lr"] = step_size * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        chosen = torch.randint(len(images), (config.batch,), generator=draw)
        shown = move(images[chosen], reach, draw)
        logits = copy(stamp(shown, draw) if stamp else shown)
        adam.zero_grad()
        F.cross_entropy(logits, labels[chosen]).backward()  # type: ignore[no-untyped-call]
        adam.step()
        with torch.no_grad():
            for weight, mask in zeros:
                weight[mask] = 0.0
    copy.model.freeze()
    return write_back(model, copy.model)
