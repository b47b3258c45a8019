"""`Classifier`: from pixels to logits."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

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
    """

    def __init__(self, model: TorchModel, preprocessing: Preprocessing, deadline: Deadline = NEVER) -> None:
        super().__init__()
        self.model = model
        self.preprocessing = preprocessing
        self.deadline = deadline

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]."""
        self.deadline.check()
        return self.model(self.preprocess(pixels))  # type: ignore[no-any-return]

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
