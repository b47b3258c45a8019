"""The network that surrogates are: three convolutions and two fully connected layers, whatever the audited one is."""

import torch
from torch import Tensor, nn

_CENTER, _SCALE = 0.5, 4.0  # pixels in [0, 1] to inputs in [−2, 2]


class SurrogateNetwork(nn.Module):
    """Logits `(n, classes)` of images `(n, c, h, w)` in [0, 1].

    Args:
        image: channels, height and width, either side at least 8 pixels.
        classes: number of labels.
        channels: of the first convolution; the second has twice and the third four times as many.
        hidden: outputs of the first fully connected layer.
    """

    def __init__(self, *, image: tuple[int, int, int], classes: int, channels: int, hidden: int) -> None:
        super().__init__()
        before, height, width = image
        layers: list[nn.Module] = []
        for after in (channels, 2 * channels, 4 * channels):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
            before, height, width = after, height // 2, width // 2
        layers += [nn.Flatten(), nn.Linear(before * height * width, hidden), nn.ReLU(), nn.Linear(hidden, classes)]
        self._layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self._layers((images - _CENTER) * _SCALE)
        return logits

    def draw(self, generator: torch.Generator) -> None:
        """Draw all weights anew, normal with the variance for rectifiers (K. He et al., ICCV 2015); biases are zero."""
        with torch.no_grad():
            for layer in self._layers:
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spread = (2 / layer.weight[0].numel()) ** 0.5
                    layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * spread)
                    layer.bias.zero_() if layer.bias is not None else None
