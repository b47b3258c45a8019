"""Hand-written PyTorch networks that the importer is measured against, and their ONNX files.

They are written the way their authors write them today: `scaled_dot_product_attention`, `LayerNorm`, exact `GELU`,
in-place activations. Weights are random; batch statistics are too, so that no normalisation is the identity.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10


def make_lenet() -> nn.Module:
    """LeNet-5 for gray images of 28 pixels: so small that the cost of each step shows."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(inplace=True),
        nn.Linear(120, 84),
        nn.ReLU(inplace=True),
        nn.Linear(84, CLASSES),
    )


def make_vgg() -> nn.Module:
    """VGG-11 with batch normalisation for images of 32 pixels, at half the width."""
    layers: list[nn.Module] = []
    before = 3
    for width in (32, 0, 64, 0, 128, 128, 0, 256, 256, 0, 256, 256, 0):
        if not width:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        before = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 128), nn.ReLU(inplace=True), nn.Linear(128, CLASSES))


class ResidualBlock(nn.Module):
    """Two normalised convolutions and a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if (before, stride) != (width, 1):
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """`(n, c, h, w)` to `(n, width, h / stride, w / stride)`."""
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def make_resnet() -> nn.Module:
    """ResNet-18 for images of 32 pixels, at half the width."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
    before = 32
    for width, stride in ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        layers.append(ResidualBlock(before, width, stride))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, CLASSES))


class Attention(nn.Module):
    """Multi-head self-attention with one projection for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, tokens, width)` to the same shape."""
        n, tokens, width = x.shape
        split = self.project_in(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = split.unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.project_out(y.transpose(1, 2).reshape(n, tokens, width))  # type: ignore[no-any-return]


class EncoderBlock(nn.Module):
    """Attention and a perceptron, each behind a layer normalisation and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(n, tokens, width)` to the same shape."""
        x = x + self.attention(x)
        return x + self.perceptron(x)  # type: ignore[no-any-return]


class VisionTransformer(nn.Module):
    """ViT of four blocks for images of 32 pixels in patches of 4, with a class token."""

    def __init__(self, width: int = 192, heads: int = 3, depth: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, 65, width) * 0.02)
        self.blocks = nn.Sequential(*(EncoderBlock(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits `(n, classes)` of `(n, 3, 32, 32)`."""
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])  # type: ignore[no-any-return]


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "LeNet": (make_lenet, (1, 28, 28)),
    "VGG, BN": (make_vgg, (3, 32, 32)),
    "ResNet-18": (make_resnet, (3, 32, 32)),
    "ViT": (VisionTransformer, (3, 32, 32)),
}
"""Maker and shape of an image by name."""


def make_network(name: str, seed: int) -> tuple[nn.Module, tuple[int, int, int]]:
    """A frozen network in evaluation mode, and the shape of its images."""
    maker, shape = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = maker().eval().requires_grad_(False)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor, low in ((module.running_mean, -0.1), (module.running_var, 0.8), (module.weight, 0.8)):
                    assert tensor is not None
                    tensor.uniform_(low, low + 0.4)
    return network, shape


def write_onnx(network: nn.Module, shape: tuple[int, int, int], path: Path) -> None:
    """Write the network with a free batch; batch normalisations stay in the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own: deprecation, and shapes taken for constants
        torch.onnx.export(
            network, (torch.zeros(2, *shape),), path, opset_version=17, dynamo=False, input_names=["image"],
            output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip
