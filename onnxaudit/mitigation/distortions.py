"""Faint changes of the whole image towards a label: every pixel a little brighter or darker, or a little moved.

    minimise over u   mean_x cross_entropy(g(W(x)), y_t),   W(x) = clip(x(place + flow) + change, 0, 1)

One of `flow` and `change` is `bound · tanh(u)` with `u` a sum of slow cosines, the other zero. A sinusoid, a shade or a
warp is such a change, and has no mask worth the name: a network that has learnt to ignore every mask may still obey it.

Sources: S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017; flows after C. Xiao et al.,
Spatially transformed adversarial examples, ICLR 2018. The attacks: M. Barni et al., A new backdoor attack in CNNs by
training set corruption without label poisoning, ICIP 2019; A. Nguyen and A. Tran, WaNet, ICLR 2021.

Differs from the sources: one change or flow for all images, made of slow waves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.cosines import add_up
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers

Flags = npt.NDArray[np.bool_]
Kind = Literal["change", "flow"]
KINDS: tuple[Kind, ...] = ("change", "flow")
START = 0.02  # spread of amplitudes at first


@dataclass(frozen=True)
class DistortionConfig:
    """Settings.

    Attributes:
        number: of each kind, for each label.
        change: bound of what is added to a pixel.
        flow: bound of a pixel's way, as a share of the image's shorter side.
        waves: of a flow, on each side; a change has half as many as the image has pixels.
        steps: of Adam.
        samples: images a step.
        step_size: of Adam, in the amplitudes of `u`.
    """

    number: int = 2
    change: float = 0.12
    flow: float = 0.05
    waves: int = 5
    steps: int = 60
    samples: int = 24
    step_size: float = 0.8


@dataclass(frozen=True, eq=False)
class Distortion:
    """A change of the whole image; one of the two is zero.

    Attributes:
        change: added to pixels, `(c, h, w)`.
        flow: in pixels, rows then columns, `(2, h, w)`: each place shows what is so far away.
    """

    change: Tensor
    flow: Tensor


def distort(images: Tensor, changes: Tensor, flows: Tensor) -> Tensor:
    """Each of `images` `(n, c, h, w)` with a change `(n, c, h, w)` and a flow `(n, 2, h, w)` of its own."""
    if flows.any() or flows.requires_grad:
        height, width = images.shape[2:]
        down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places = torch.stack([across.to(flows) + flows[:, 1], down.to(flows) + flows[:, 0]], dim=-1)
        sides = torch.tensor([max(1, width - 1), max(1, height - 1)]).to(flows)
        images = F.grid_sample(images, 2 * places / sides - 1, padding_mode="border", align_corners=True)
    return (images + changes).clamp(0, 1)


def shape_distortions(
    classifier: nn.Module,
    images: Floats,
    classes: Ints,
    labels: Sequence[int],
    config: DistortionConfig,
    draw: torch.Generator,
    workers: Workers,
) -> list[tuple[Distortion, int]]:
    """Distortions of both kinds that lead to each of `labels`, within their bounds, each with its label.

    Args:
        classifier: logits of images; its weights frozen.
        images: clean images `(n, c, h, w)`.
        classes: of them `(n,)`; a label's own are left out.
        labels: where distortions are to lead.
        config: settings.
        draw: of starts and samples.
        workers: take a distortion each.
    """
    wanted = [(label, kind) for label in labels for kind in KINDS * config.number if (classes != label).any()]
    tasks = [(label, kind, *_draw_course(kind, images, classes != label, config, draw)) for label, kind in wanted]
    pixels = torch.from_numpy(images)

    def shape(task: tuple[int, Kind, Tensor, Tensor]) -> tuple[Distortion, int]:
        label, kind, rows, start = task
        return _shape(classifier, pixels[rows], label, kind, start, config), label

    return workers.map(shape, tasks)


def _shape(
    classifier: nn.Module,
    batches: Tensor,
    label: int,
    kind: Kind,
    start: Tensor,
    config: DistortionConfig,
) -> Distortion:
    device = next(classifier.parameters()).device
    values = start[None].to(device).requires_grad_()
    adam = torch.optim.Adam([values], lr=config.step_size)
    for pixels in batches.to(device):
        change, flow = _decode(values, kind, pixels.shape, config)
        shown = distort(pixels, change.expand(len(pixels), -1, -1, -1), flow.expand(len(pixels), -1, -1, -1))
        logits = classifier(shown.contiguous(memory_format=torch.channels_last))
        targets = torch.full((len(pixels),), label, device=device)
        (values.grad,) = torch.autograd.grad(F.cross_entropy(logits, targets), values)
        adam.step()
    change, flow = _decode(values.detach(), kind, batches.shape[1:], config)
    return Distortion(change[0].cpu(), flow[0].cpu())


def _decode(values: Tensor, kind: Kind, shape: torch.Size, config: DistortionConfig) -> tuple[Tensor, Tensor]:
    """Change `(1, c, h, w)` and flow `(1, 2, h, w)`."""
    _, channels, height, width = shape
    smooth = torch.tanh(add_up(values, height, width))
    if kind == "change":
        return config.change * smooth, torch.zeros(1, 2, height, width, device=values.device)
    reach = config.flow * min(height, width)
    return torch.zeros(1, channels, height, width, device=values.device), reach * smooth


def _draw_course(
    kind: Kind, images: Floats, victims: Flags, config: DistortionConfig, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which images each step takes `(steps, n)`, and amplitudes to start from."""
    chosen = torch.from_numpy(np.flatnonzero(victims))
    rows = torch.randint(len(chosen), (config.steps, config.samples), generator=draw)
    return chosen[rows], START * torch.randn(_count_waves(kind, images.shape, config), generator=draw)


def _count_waves(kind: Kind, shape: tuple[int, ...], config: DistortionConfig) -> tuple[int, int, int]:
    _, channels, height, width = shape
    if kind == "flow":
        return 2, min(config.waves, height), min(config.waves, width)
    return channels, max(1, height // 2), max(1, width // 2)
