"""Which samples serve which label, and in which order."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onnxaudit.inversion.forwards import compute_logits, pick_classes
from onnxaudit.perturbations.base import Family
from onnxaudit.records import Ints, Samples


def find_others(classifier: nn.Module, samples: Samples, labels: Sequence[int], chunk_pixels: int) -> dict[int, Ints]:
    """For each label the positions in `samples` of the other classes: as labeled, else as predicted."""
    classes = samples.labels
    if classes is None:
        classes = pick_classes(compute_logits(classifier, samples.images, chunk_pixels))
    return {label: np.flatnonzero(classes != label) for label in labels}


def draw_order(index: Ints, steps: int, each: int, stream: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which of `index` each step sees, `(steps, each)`: all of them come before one comes again."""
    count = steps * each
    rounds = [stream.permutation(index) for _ in range(-(-count // len(index)))]
    return np.concatenate(rounds)[:count].reshape(steps, each)


def draw_orders(
    others: Iterable[Ints], streams: Iterable[np.random.Generator], *, steps: int, each: int, device: torch.device
) -> Tensor:
    """Orders of many labels, `(labels, steps, each)`, each from a stream of its own."""
    orders = [draw_order(index, steps, each, stream) for index, stream in zip(others, streams, strict=True)]
    return torch.from_numpy(np.stack(orders)).to(device)


def draw_starts(family: Family, streams: Iterable[np.random.Generator], device: torch.device) -> Tensor:
    """Parameters to start from, `(labels, ...)`, each from a stream of its own."""
    return torch.from_numpy(np.stack([family.draw(stream) for stream in streams])).to(device)
