"""What the network answers on clean samples, and inner tensors on the way: read once for all that ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnxaudit.importer import Classifier
from onnxaudit.inversion.forwards import device_of
from onnxaudit.records import Floats
from onnxaudit.workers import Workers, count_rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """Of samples, in their order.

    Attributes:
        logits: `(n, classes)`.
        inner: tensors `(n, ...)` by their ONNX names, on the classifier's device; those alone that were read beside.
    """

    logits: Floats
    inner: Mapping[str, Tensor] = field(default_factory=dict)

    def take(self, index: npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]) -> "Readings":
        """Those at `index` (positions or a boolean mask)."""
        places = torch.from_numpy(np.arange(len(self.logits))[index])
        inner = {name: value[places.to(value.device)] for name, value in self.inner.items()}
        return Readings(logits=self.logits[index], inner=inner)


def read_samples(
    classifier: Classifier, images: Floats, names: Sequence[str], *, chunk_pixels: int, most_values: int
) -> Readings:
    """One run of every image for its logits and all inner tensors that are small enough to be held.

    Args:
        classifier: the network.
        images: `(n, c, h, w)`, at least one.
        names: of inner tensors.
        chunk_pixels: at most so many pixels (images x height x width) go through the network at once, on one core.
        most_values: of one tensor over all images; a larger one is left to whoever needs it.

    Raises:
        OutOfTimeError: the classifier's deadline has passed.
    """
    device, logits = device_of(classifier), classifier.model.info.output.logits
    kept = [name for name in names if len(images) * _count_values(classifier, images, name) <= most_values]
    each = min(
        count_rows(chunk_pixels, images.shape[2] * images.shape[3], device), classifier.most_images or len(images)
    )

    def run(start: int) -> dict[str, Tensor]:
        part = torch.from_numpy(images[start : start + each])
        with torch.no_grad():
            return classifier.values(part.to(device, memory_format=torch.channels_last), [logits, *kept])

    with Workers(device) as workers:
        parts = workers.map(run, range(0, len(images), each))
    found = {name: torch.cat([part[name] for part in parts]) for name in (logits, *kept)}
    return Readings(logits=found[logits].cpu().numpy(), inner={name: found[name] for name in kept})


def _count_values(classifier: Classifier, images: Floats, name: str) -> int:
    """Of a tensor, for one image."""
    with torch.no_grad():
        value = classifier.values(torch.from_numpy(images[:1]).to(device_of(classifier)), [name])[name]
    return value.numel()
