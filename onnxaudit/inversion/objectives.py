"""What perturbed samples are to do, and which of them do it.

An objective takes logits `(rows, n, classes)`, the labels of the rows `(rows,)` and the positions of the samples that
they come from `(rows, n)`; it gives a loss for each row and flags of the samples that obey. A NaN never obeys.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.inversion.forwards import measure_margins, predict

Objective = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def reach(logits: Tensor, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Be classified as the row's label: mean cross-entropy."""
    rows, each = index.shape
    flat, targets = logits.flatten(0, 1), labels.repeat_interleave(each)
    entropy = F.cross_entropy(flat, targets, reduction="none").view(rows, each).mean(dim=1)
    return entropy, (predict(flat) == targets).view(rows, each)


def get_ahead(margin: float) -> Objective:
    """Be classified as the row's label by `margin` times the spread of the logits: mean hinge loss."""

    def objective(logits: Tensor, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        rows, each = index.shape
        margins = measure_margins(logits.flatten(0, 1), labels.repeat_interleave(each)).view(rows, each)
        scale = logits.detach().std()
        return F.relu(margin - margins / scale).mean(dim=1), margins > 0

    return objective


def leave(classes: Tensor) -> Objective:
    """Leave the own class, whichever way: mean `−log(1 − p_y)`, with `classes` `(samples,)` the `y` of all samples."""

    def objective(logits: Tensor, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        del labels
        flat, own = logits.flatten(0, 1), classes[index].flatten()
        # As the logarithm of a ratio of sums, so that it does not saturate.
        others = flat.masked_fill(F.one_hot(own, flat.shape[1]).bool(), -torch.inf)
        staying = (flat.logsumexp(dim=1) - others.logsumexp(dim=1)).view(index.shape).mean(dim=1)
        reached = predict(flat)
        return staying, ((reached != own) & (reached >= 0)).view(index.shape)

    return objective
