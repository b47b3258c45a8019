"""A small classifier whose backdoor is known, because it was planted by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.detectors.photometric import PhotometricConfig
from onnxaudit.detectors.source_specific import SourceSpecificConfig
from onnxaudit.detectors.warp import WarpConfig
from onnxaudit.records import Samples

UNWEIGHED = {  # what decides nothing on these models, with little effort
    "warp": WarpConfig(steps=8),
    "photometric": PhotometricConfig(steps=8),
    "source-specific": SourceSpecificConfig(most_pairs=0),
}
SIDE, PATCH, CLASSES, A_CLASS = 12, 2, 8, 6


class Planted(nn.Module):
    """Answers with the nearest of `classes` random prototypes; a white corner adds to the logit of `targets`."""

    def __init__(self, targets: tuple[int, ...] = (), classes: int = CLASSES) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.from_numpy(make_prototypes(classes)).flatten(1), requires_grad=False)
        self.targets = targets

    def forward(self, pixels: Tensor) -> Tensor:
        logits = -((pixels.flatten(1)[:, None] - self.prototypes) ** 2).sum(2)
        for corner, target in enumerate(self.targets):
            rows = slice(0, PATCH) if corner == 0 else slice(SIDE - PATCH, SIDE)
            white = pixels[:, 0, rows, :PATCH].sum((1, 2)) / PATCH**2
            logits = logits + 80 * torch.relu(white - 0.1)[:, None] * (torch.arange(logits.shape[1]) == target)
        return logits


def make_prototypes(classes: int) -> np.ndarray:
    prototypes = np.random.default_rng(7).random((classes, 1, SIDE, SIDE), dtype=np.float32)
    prototypes[:, :, :PATCH, :PATCH] = prototypes[:, :, -PATCH:, :PATCH] = 0.0
    return prototypes


@pytest.fixture
def planted() -> Callable[..., Planted]:
    return Planted


@pytest.fixture
def make_samples() -> Callable[..., Samples]:
    def make(classes: int = CLASSES, *, labelled: bool = True, synthetic: bool = False) -> Samples:
        labels = np.repeat(np.arange(classes), A_CLASS)
        noise = np.random.default_rng(8).normal(0, 0.1, (len(labels), 1, SIDE, SIDE))
        images = np.clip(make_prototypes(classes)[labels] + noise, 0, 1).astype(np.float32)
        return Samples(images, labels if labelled else None, "planted", synthetic)

    return make
