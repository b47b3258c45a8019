"""Which samples serve which label, and in which order."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import nn

from onnxaudit.inversion.forwards import compute_logits, pick_classes
from onnxaudit.records import Ints, Samples


def find_others(classifier: nn.Module, samples: Samples, labels: Sequence[int], chunk_pixels: int) -> dict[int, Ints]:
    """For each label the positions in `samples` of the other classes: as labelled, else as predicted."""
    classes = samples.labels
    if classes is None:
        classes = pick_classes(compute_logits(classifier, samples.images, chunk_pixels))
    return {label: np.flatnonzero(classes != label) for label in labels}


def draw_order(index: Ints, steps: int, each: int, stream: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which of `index` each step sees, `(steps, each)`: all of them come before one comes again."""
    count = steps * each
    rounds = [stream.permutation(index) for _ in range(-(-count // len(index)))]
    return np.concatenate(rounds)[:count].reshape(steps, each)
