"""Networks between the pruned one and the tuned one.

    w(α) = (1 − α) · w_pruned + α · w_tuned

Where tuning took more of the original's answers away than was needed against the triggers, a network on the way there
keeps both. Source: M. Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022.
"""

import torch

from onnxaudit.importer import import_model, write_back
from onnxaudit.intake.model import Model


@torch.no_grad()
def interpolate(pruned: Model, tuned: Model, share: float) -> Model:
    """`pruned` with every weight moved by `share` (`α`) of the way to `tuned`, which has the same graph."""
    start, end = import_model(pruned), import_model(tuned)
    for name, weight in end.weights.items():
        weight.lerp_(start.weights[name], 1 - share)
    return write_back(pruned, end)
