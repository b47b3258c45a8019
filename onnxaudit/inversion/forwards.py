"""Forward passes without gradients: what the classifier predicts, and which samples a trigger sends to a label."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.records import Floats, Ints, Trigger
from onnxaudit.records.coded_images import WHITE, CodedImages
from onnxaudit.workers import Workers, count_rows

PIECES = 8  # of images that are tried until enough missed


def compute_logits(
    classifier: nn.Module, images: Floats, chunk_pixels: int, change: Callable[[Floats], Floats] | None = None
) -> Floats:
    """Logits `(n, classes)` of images, at most `chunk_pixels` (images x height x width) at a time.

    Args:
        classifier: logits of images.
        images: `(n, c, h, w)`.
        chunk_pixels: that are held as floats at once, on one core.
        change: made to images before.
    """
    device = device_of(classifier)
    count = count_rows(chunk_pixels, images.shape[2] * images.shape[3], device)

    def run(start: int) -> Tensor:
        part = images[start : start + count]
        part = part if change is None else change(part)
        with torch.no_grad():
            logits: Tensor = classifier(torch.from_numpy(part).to(device, memory_format=torch.channels_last))
        return logits

    with Workers(device) as workers:
        chunks = workers.map(run, range(0, len(images), count))
    return torch.cat(chunks).cpu().numpy()


def pick_classes(logits: Floats) -> Ints:
    """Predicted classes `(n,)` of logits `(n, classes)`; −1 where one is NaN, which `argmax` takes for the largest."""
    return np.where(np.isnan(logits).any(axis=1), -1, logits.argmax(axis=1))


def predict(logits: Tensor) -> Tensor:
    """The same for tensors: what a NaN is among obeys nothing."""
    return logits.argmax(dim=1).masked_fill(logits.isnan().any(dim=1), -1)


def find_hits(
    classifier: nn.Module, images: Floats, trigger: Trigger, label: int, chunk_pixels: int, *, wanted: float = 0.0
) -> npt.NDArray[np.bool_]:
    """Flags `(n,)`: which of `images` are classified as `label` once they carry `trigger`.

    Once the share `wanted` cannot be reached any more the rest is not tried, and counts as missed.
    """
    hits, missed = np.zeros(len(images), dtype=bool), 0
    each = count_rows(chunk_pixels, images.shape[2] * images.shape[3], device_of(classifier))
    pieces = each * max(1, len(images) // (PIECES * each)) if wanted > 0 else max(1, len(images))
    for start in range(0, len(images), pieces):
        logits = compute_logits(classifier, images[start : start + pieces], chunk_pixels, trigger.apply)
        hits[start : start + pieces] = pick_classes(logits) == label
        missed += int(np.count_nonzero(~hits[start : start + pieces]))
        if len(images) - missed < wanted * len(images):
            break
    return hits


def measure_margins(logits: Tensor, labels: Tensor) -> Tensor:
    """`z_t − max of the other logits`, `(n,)`; a NaN stays one and is no success."""
    own = F.one_hot(labels, logits.shape[1]).bool()
    # Not a large negative number instead of infinity: what is masked must never be the largest.
    return logits[own] - logits.masked_fill(own, -torch.inf).amax(dim=1)


def to_tensor(images: Floats) -> Tensor:
    """Images on the processor, held as they are: bytes stay bytes, which `to_floats` makes pixels of."""
    return torch.from_numpy(images.codes if isinstance(images, CodedImages) else images)


def to_floats(images: Tensor) -> Tensor:
    """Pixels in [0, 1] of bytes; floats as they are."""
    return images.to(torch.float32) / WHITE.item() if images.dtype is torch.uint8 else images


def device_of(classifier: nn.Module) -> torch.device:
    """Where the weights lie; a module without weights runs on the processor."""
    return next((weight.device for weight in classifier.parameters()), torch.device("cpu"))
