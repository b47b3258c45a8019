"""The kinds of network among the reference models and in zoos, small enough to train on one core.

Each has a `features` half, whose outputs feed the first fully connected layer, and a `classifier` half. They take
pixels `(n, c, h, w)` already scaled, and return logits.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from tools.token_networks import make_mixer_features, make_vit_features


class Network(nn.Module):
    """Features, then fully connected layers.

    Attributes:
        features: Pixels to a flat vector of features `(n, k)`.
        classifier: That vector to logits `(n, classes)`; its first layer is the target layer.
    """

    def __init__(self, features: nn.Module, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features = features
        self.classifier = classifier

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits `(n, classes)` of pixels `(n, c, h, w)`."""
        logits: Tensor = self.classifier(self.features(pixels))
        return logits

    @property
    def first_linear(self) -> nn.Linear:
        """The target layer."""
        layer = self.classifier[0]
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def has_hidden_neurons(self) -> bool:
        """Whether the first fully connected layer is not the classifier itself."""
        return len(self.classifier) > 1


def _linear_stack(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, following in pairwise(sizes):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def make_lenet(channels: int, side: int, classes: int) -> Network:
    """LeNet-5 (LeCun et al., 1998) with ReLU and max pooling; 28-pixel images are padded to 32 as in the paper."""
    padded = max(32, side)
    features = nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=(padded - side) // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
    return Network(features, _linear_stack(16 * (((padded - 4) // 2 - 4) // 2) ** 2, 120, 84, classes))


def make_vgg(channels: int, side: int, classes: int) -> Network:
    """Three blocks of 3x3 convolutions, then two hidden fully connected layers: VGG (Simonyan, 2015) in miniature."""
    layers: list[nn.Module] = []
    before = channels
    for width, depth in ((16, 1), (32, 2), (64, 2)):
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    features = nn.Sequential(*layers, nn.Flatten())
    return Network(features, _linear_stack(64 * (side // 8) ** 2, 128, 64, classes))


class _ResidualBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if (before, stride) != (width, 1):
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def make_resnet(channels: int, side: int, classes: int) -> Network:  # noqa: ARG001 -- pooling accepts every side
    """Four residual blocks and global average pooling (He et al., 2016); the classifier is the only linear layer."""
    features = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        _ResidualBlock(16, 16, 2),
        _ResidualBlock(16, 32, 1),
        _ResidualBlock(32, 64, 2),
        _ResidualBlock(64, 64, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return Network(features, _linear_stack(64, classes))


def make_vgg16(channels: int, side: int, classes: int) -> Network:
    """VGG-16 (Simonyan, 2015): 13 convolutions in five blocks, three fully connected layers; a quarter of the channels.

    Batch norms stand behind the convolutions, without which so deep a network hardly starts to learn.
    """
    layers: list[nn.Module] = []
    before = channels
    for width, depth in ((16, 2), (32, 2), (64, 3), (128, 3), (128, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    features = nn.Sequential(*layers, nn.Flatten())
    return Network(features, _linear_stack(128 * (side // 32) ** 2, 256, 256, classes))


def make_resnet18(channels: int, side: int, classes: int) -> Network:
    """ResNet-18 (He et al., 2016): eight blocks of two convolutions in four stages; a quarter of the channels.

    The first convolution is that of the paper's networks for 32-pixel images; larger ones are halved in it.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels, 16, 3, 1 if side <= 32 else 2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
    ]
    for before, width, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 2)):
        layers += [_ResidualBlock(before, width, stride), _ResidualBlock(width, width, 1)]
    features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Network(features, _linear_stack(128, classes))


def _separable(before: int, width: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False),
        nn.BatchNorm2d(before),
        nn.ReLU(),
        nn.Conv2d(before, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]


def make_mobile(channels: int, side: int, classes: int) -> Network:  # noqa: ARG001 -- pooling accepts every side
    """Depthwise separable convolutions (MobileNet: Howard et al., 2017), global pooling and one linear layer."""
    features = nn.Sequential(
        nn.Conv2d(channels, 24, 3, 2, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        *_separable(24, 48, 1),
        *_separable(48, 64, 2),
        *_separable(64, 96, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return Network(features, _linear_stack(96, classes))


def make_plain(channels: int, side: int, classes: int) -> Network:
    """Three convolutions with pooling and one hidden fully connected layer; nothing is normalised."""
    layers: list[nn.Module] = []
    for before, width in pairwise((channels, 16, 32, 48)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return Network(nn.Sequential(*layers, nn.Flatten()), _linear_stack(48 * (side // 8) ** 2, 96, classes))


def make_vit(channels: int, side: int, classes: int) -> Network:
    """Vision transformer: three blocks over tokens of 4x4 pixels, and one linear layer."""
    return Network(make_vit_features(channels, side), _linear_stack(48, classes))


def make_mixer(channels: int, side: int, classes: int) -> Network:
    """MLP-mixer: three blocks over tokens of 4x4 pixels, and one linear layer."""
    return Network(make_mixer_features(channels, side), _linear_stack(64, classes))


def make_mlp(channels: int, side: int, classes: int) -> Network:
    """Fully connected layers alone, two of them hidden."""
    return Network(nn.Flatten(), _linear_stack(channels * side**2, 160, 80, classes))


ARCHITECTURES: dict[str, Callable[[int, int, int], Network]] = {
    "lenet": make_lenet,
    "vgg": make_vgg,
    "resnet": make_resnet,
    "mobile": make_mobile,
    "plain": make_plain,
    "vgg16": make_vgg16,
    "resnet18": make_resnet18,
    "vit": make_vit,
    "mixer": make_mixer,
    "mlp": make_mlp,
}
"""Makers by name; each takes channels, side in pixels and number of classes."""
