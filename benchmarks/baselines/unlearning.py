"""Unlearning with the inverted trigger: some images carry it, under their own labels.

    minimise over all weights   mean_x cross_entropy(g(x'), y),   x' = A(x, m, δ) for a fifth of the images, else x

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019, section 6.3 ("patching by unlearning").

Differs from the source: there, one epoch over a tenth of the training set; with a few images a class the same images
come many times, and the step size is chosen from a grid. With several targets each image carries one of the triggers.
"""

import torch
from torch import Tensor

from benchmarks.baselines.problem import Baseline, Problem, Setting
from benchmarks.baselines.tuning import tune
from onnxaudit.intake import Model
from onnxaudit.mitigation.stamps import stack

STAMPED = 0.2  # share of the images


def apply(problem: Problem, setting: Setting) -> Model:
    """One step size."""
    triggers = stack(list(problem.triggers.values()))

    def stamp(images: Tensor, draw: torch.Generator) -> Tensor:
        count = round(STAMPED * len(images))
        which = triggers[torch.randint(len(triggers), (count,), generator=draw)]
        mask, pattern = which[:, :1], which[:, 1:]
        return torch.cat([images[:count] + mask * (pattern - images[:count]), images[count:]])

    return tune(problem, problem.original, setting["step_size"], stamp=stamp)


BASELINE = Baseline(
    "Wang et al., IEEE S&P 2019", tuple({"step_size": rate} for rate in (1e-4, 3e-4, 1e-3, 3e-3)), apply
)
