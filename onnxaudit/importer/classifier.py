"""`Classifier`: from pixels to logits."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from onnxaudit.data.preprocessing import preprocess
from onnxaudit.deadline import NEVER, Deadline
from onnxaudit.importer.module import TorchModel
from onnxaudit.records import Preprocessing


class Classifier(nn.Module):
    """A `TorchModel` behind its preprocessing.

    Attributes:
        model: the copy of the network.
        preprocessing: how pixels become its inputs.
        deadline: after which no batch is computed any more: each of them then ends in OutOfTimeError.
        most_images: whose inner values are held at one time; those of more are computed again on the way back.
            None: of all.
        gradients: the number type of products and convolutions on a way that leads back to the pixels; answers without
            gradients are always of float32.
    """

    def __init__(
        self,
        model: TorchModel,
        preprocessing: Preprocessing,
        deadline: Deadline = NEVER,
        most_images: int | None = None,
        gradients: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.model = model
        self.preprocessing = preprocessing
        self.deadline = deadline
        self.most_images = most_images
        self.gradients = gradients

    def with_gradients_in(self, dtype: torch.dtype) -> "Classifier":
        """The same network with another number type on the way back."""
        return Classifier(self.model, self.preprocessing, self.deadline, self.most_images, dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]."""
        if self.most_images is None or len(pixels) <= self.most_images:
            return self._answer(pixels)
        parts = torch.split(pixels, self.most_images)
        if not torch.is_grad_enabled():
            return torch.cat([self._answer(part) for part in parts])
        return torch.cat([checkpoint(self._answer, part, use_reentrant=False) for part in parts])

    def _answer(self, pixels: Tensor) -> Tensor:
        self.deadline.check()
        shorter = self.gradients is not torch.float32 and pixels.requires_grad
        with torch.autocast(pixels.device.type, self.gradients) if shorter else nullcontext():
            logits: Tensor = self.model(self.preprocess(pixels))
        return logits.float() if shorter else logits

    def values(self, pixels: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Any tensors of the graph under their ONNX names, for images `(n, c, h, w)` in [0, 1]."""
        self.deadline.check()
        return self.model.values(self.preprocess(pixels), names)

    def tail(self, feeds: Mapping[str, Tensor], name: str | None = None) -> Tensor:
        """`TorchModel.tail`."""
        self.deadline.check()
        return self.model.tail(feeds, name)

    def preprocess(self, pixels: Tensor) -> Tensor:
        """Model inputs of images `(n, c, h, w)` in [0, 1]."""
        return preprocess(pixels, self.preprocessing, self.model.info.input.layout)
