"""Small PyTorch networks for images `(n, 3, 16, 16)`: one for each family of architectures."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 6
SIZE = 16


def make_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(108, 24),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(24, CLASSES),
    )


def make_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(3 * SIZE**2, 4),
        nn.BatchNorm1d(4),
        nn.Tanh(),
        nn.Linear(4, 8),
        nn.GELU(),
        nn.Linear(8, CLASSES),
    )


class ResidualBlock(nn.Module):
    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inner, outer, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(),
            nn.Conv2d(outer, outer, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outer),
        )
        plain = stride == 1 and inner == outer
        self.skip = nn.Identity() if plain else nn.Sequential(nn.Conv2d(inner, outer, 1, stride), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.skip(x))


def make_resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, 1, 1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        ResidualBlock(6, 6, 1),
        ResidualBlock(6, 12, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, CLASSES),
    )


class InvertedResidual(nn.Module):
    """MobileNetV3's block: expansion, depthwise convolution, squeeze and excitation, projection."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(width, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish())
        self.depthwise = nn.Sequential(
            nn.Conv2d(hidden, hidden, 5, 1, 2, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish()
        )
        self.squeeze = nn.Conv2d(hidden, 4, 1)
        self.excite = nn.Conv2d(4, hidden, 1)
        self.project = nn.Sequential(nn.Conv2d(hidden, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(self.expand(x))
        scale = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        return x + self.project(y * scale)


def make_mobilenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.Hardswish(),
        InvertedResidual(8, 16),
        InvertedResidual(8, 16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 16),
        nn.ReLU6(),
        nn.Linear(16, CLASSES),
    )


class VisionTransformer(nn.Module):
    """Patches, a class token, learnt positions, attention by `scaled_dot_product_attention`."""

    def __init__(self, width: int = 12, heads: int = 3, depth: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 17, width) * 0.5)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(width),
                    "qkv": nn.Linear(width, 3 * width),
                    "out": nn.Linear(width, width),
                    "norm2": nn.LayerNorm(width),
                    "mlp": nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width)),
                }
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(y.shape[0], -1, -1), y], 1) + self.positions
        for block in self.blocks:
            assert isinstance(block, nn.ModuleDict)
            y = y + self.attend(block, block["norm1"](y))
            y = y + block["mlp"](block["norm2"](y))
        return self.head(self.norm(y)[:, 0])

    def attend(self, block: nn.ModuleDict, y: Tensor) -> Tensor:
        n, tokens, width = y.shape
        q, k, v = block["qkv"](y).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return block["out"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, width))


class Encoder(nn.Module):
    """PyTorch's own `TransformerEncoderLayer` over the rows of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(48, 12)
        self.layer = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True, activation="gelu", norm_first=True)
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 1, 3).flatten(2)
        return self.head(self.layer(self.embed(rows)).mean(1))


class Recurrent(nn.Module):
    """A recurrent network that reads the image row by row."""

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU], bidirectional: bool) -> None:
        super().__init__()
        self.cell = cell(48, 6, batch_first=True, bidirectional=bidirectional, num_layers=1 if bidirectional else 2)
        self.head = nn.Linear(12 if bidirectional else 6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 1, 3).flatten(2)
        return self.head(self.cell(rows)[0][:, -1])


class ConvNext(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 2, 2)
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 32), nn.GELU(), nn.Linear(32, width))
        self.scale = nn.Parameter(torch.rand(width))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        x = x + (self.scale * self.mlp(y)).permute(0, 3, 1, 2)
        return self.head(x.mean((-2, -1)))


class DenseNet(nn.Module):
    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(width * (1 + i)), nn.ReLU(), nn.Conv2d(width * (1 + i), width, 3, padding=1, bias=False)
            )
            for i in range(3)
        )
        self.head = nn.Linear(width * 4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        y = F.avg_pool2d(torch.cat(features, 1), 3, 2, 1, count_include_pad=False)
        return self.head(F.adaptive_avg_pool2d(y, 1).flatten(1))


class Swin(nn.Module):
    """Attention inside shifted windows, with a bias for each relative position."""

    def __init__(self, width: int = 12, heads: int = 2, window: int = 4) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.patches = nn.Conv2d(3, width, 2, 2)
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        grid = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        offset = grid[:, :, None] - grid[:, None] + window - 1
        self.index: Tensor
        self.register_buffer("index", (offset[0] * (2 * window - 1) + offset[1]).flatten())
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = self.patches(x).permute(0, 2, 3, 1)
        y = y + self.attend(self.norm(y))
        return self.head(y.mean((1, 2)))

    def attend(self, y: Tensor) -> Tensor:
        n, h, w, c = y.shape
        size = self.window
        y = torch.roll(y, (-size // 2, -size // 2), (1, 2))
        y = y.reshape(n, h // size, size, w // size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, size**2, c)
        q, k, v = self.qkv(y).reshape(-1, size**2, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index].reshape(size**2, size**2, self.heads).permute(2, 0, 1)
        weights = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) + bias).softmax(-1)
        y = self.out((weights @ v).transpose(1, 2).reshape(-1, size**2, c))
        y = y.reshape(n, h // size, w // size, size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        return torch.roll(y, (size // 2, size // 2), (1, 2))


class Mixer(nn.Module):
    """MLP-Mixer with Einstein sums."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.patches = nn.Unfold(4, stride=4)
        self.embed = nn.Linear(48, width)
        self.tokens = nn.Parameter(torch.randn(16, 16) * 0.3)
        self.channels = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 24), nn.SiLU(), nn.Linear(24, width))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = self.embed(self.patches(x).transpose(1, 2))
        y = y + torch.einsum("ntc,ts->nsc", y, self.tokens)
        y = y + self.channels(y)
        return self.head(y.amax(1))


class Oddities(nn.Module):
    """What classifiers use now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(3, 8, 3, padding=2, dilation=2, padding_mode="reflect")
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.prelu = nn.PReLU(8)
        self.grouped = nn.Conv2d(8, 8, (3, 1), 2, (1, 0), groups=4)
        self.transposed = nn.ConvTranspose2d(8, 6, 3, 2, 1, output_padding=1, groups=2)
        self.group = nn.GroupNorm(3, 6)
        self.upsample = nn.Upsample(scale_factor=1.5, mode="bilinear")
        self.head = nn.Linear(6 * 9, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = self.prelu(self.instance(self.dilated(x)))
        y = F.elu(self.group(self.transposed(F.leaky_relu(self.grouped(y)))))
        y = F.pixel_unshuffle(F.pixel_shuffle(torch.cat([y, y.flip(3)], 1)[:, :8], 2), 2)[:, :6]
        y = F.avg_pool2d(F.mish(self.upsample(y)), 8)
        return self.head(F.softplus(y).flatten(1))


class Shuffle(nn.Module):
    """ShuffleNet's split, two branches and channel shuffle; LPPool-like generalised mean at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.stem(x).chunk(2, 1)
        y = torch.cat([left, self.branch(right)], 1)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = F.adaptive_avg_pool2d(y.clamp(min=1e-6).pow(3), 1).pow(1 / 3)
        return self.head(y.flatten(1))


NETWORKS = {
    "cnn": make_cnn,
    "mlp": make_mlp,
    "resnet": make_resnet,
    "mobilenet": make_mobilenet,
    "vit": VisionTransformer,
    "encoder": Encoder,
    "lstm": lambda: Recurrent(nn.LSTM, bidirectional=True),
    "gru": lambda: Recurrent(nn.GRU, bidirectional=False),
    "convnext": ConvNext,
    "densenet": DenseNet,
    "swin": Swin,
    "mixer": Mixer,
    "oddities": Oddities,
    "shuffle": Shuffle,
}
