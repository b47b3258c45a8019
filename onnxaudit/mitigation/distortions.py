"""Changes of the whole image towards a label: every pixel a little brighter or darker, a little moved, or toned.

    minimise over u   mean_x cross_entropy(g(W(x)), y_t),   W(x) = clip((1 + gain) · x(place + flow) + change, 0, 1)

Each of the three is `bound · tanh(u)`, with `u` a sum of slow cosines, or zero: a *change* alone is faint and has many
waves, a *flow* alone has few, a *tone* is gain and change of very few. A sinusoid, a warp, a photo filter are such, and
have no mask worth the name: a network that has learnt to ignore every mask may still obey them.

Sources: S.-M. Moosavi-Dezfooli et al., Universal adversarial perturbations, CVPR 2017; flows after C. Xiao et al.,
Spatially transformed adversarial examples, ICLR 2018; tones as locally affine maps of intensity after M. Gharbi et al.,
Deep bilateral learning for real-time image enhancement, SIGGRAPH 2017. The attacks: M. Barni et al., A new backdoor
attack in CNNs by training set corruption without label poisoning, ICIP 2019; A. Nguyen and A. Tran, WaNet, ICLR 2021;
filters in Y. Liu et al., ABS, CCS 2019.

Differs from the sources: one of them for all images, made of slow waves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.perturbations.cosines import add_up
from onnxaudit.records import Floats, Ints
from onnxaudit.workers import Workers

Flags = npt.NDArray[np.bool_]
Kind = Literal["change", "flow", "tone"]
KINDS: tuple[Kind, ...] = ("change", "flow", "tone")
_BATCH = 64
START = 0.02  # spread of amplitudes at first


@dataclass(frozen=True)
class DistortionConfig:
    """Settings.

    Attributes:
        number: of each kind, for each label.
        change: bound of what a change adds to a pixel.
        flow: bound of a pixel's way, as a share of the image's shorter side.
        gain: bound of how much brighter or darker a tone makes a pixel, as a share of itself.
        offset: bound of what a tone adds to a pixel.
        waves: of a flow, on each side; a change has half as many as the image has pixels.
        tone_waves: of a tone, on each side.
        steps: of Adam.
        samples: images a step.
        step_size: of Adam, in the amplitudes of `u`.
        ahead: times the odds with which a distortion has to lead to a label that only the caller accuses.
        controls: labels next to which this is measured.
    """

    number: int = 3
    change: float = 0.12
    flow: float = 0.05
    gain: float = 0.5
    offset: float = 0.3
    waves: int = 5
    tone_waves: int = 3
    steps: int = 60
    samples: int = 24
    step_size: float = 0.8
    ahead: float = 3.0
    controls: int = 4


@dataclass(frozen=True, eq=False)
class Distortion:
    """A change of the whole image.

    Attributes:
        gain: share by which pixels are brighter, `(c, h, w)`.
        change: added to pixels, `(c, h, w)`.
        flow: in pixels, rows then columns, `(2, h, w)`: each place shows what is so far away.
    """

    gain: Tensor
    change: Tensor
    flow: Tensor

    @property
    def stacked(self) -> Tensor:
        """All in one, `(2c + 2, h, w)`."""
        return torch.cat([self.gain, self.change, self.flow])

    def put_on(self, images: Tensor) -> Tensor:
        """Changed `images` `(n, c, h, w)`."""
        return distort(images, self.stacked.expand(len(images), -1, -1, -1))

    def apply(self, images: Floats) -> Floats:
        """The same without PyTorch."""
        changed: Floats = self.put_on(torch.from_numpy(images)).numpy()
        return changed


def distort(images: Tensor, distortions: Tensor) -> Tensor:
    """Each of `images` `(n, c, h, w)` with one of `distortions`, stacked, `(n, 2c + 2, h, w)`."""
    channels = images.shape[1]
    gains, changes = distortions[:, :channels], distortions[:, channels : 2 * channels]
    flows = distortions[:, 2 * channels :]
    if flows.any() or flows.requires_grad:
        height, width = images.shape[2:]
        down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places = torch.stack([across.to(flows) + flows[:, 1], down.to(flows) + flows[:, 0]], dim=-1)
        sides = torch.tensor([max(1, width - 1), max(1, height - 1)]).to(flows)
        images = F.grid_sample(images, 2 * places / sides - 1, padding_mode="border", align_corners=True)
    return ((1 + gains) * images + changes).clamp(0, 1)


def shape_distortions(
    classifier: nn.Module,
    images: Floats,
    classes: Ints,
    labels: Sequence[int],
    config: DistortionConfig,
    draw: torch.Generator,
    workers: Workers,
) -> list[tuple[Distortion, int]]:
    """Distortions of all kinds that lead to each of `labels`, within their bounds, each with its label.

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


def leads_best(
    classifier: nn.Module,
    images: Floats,
    classes: Ints,
    label: int,
    config: DistortionConfig,
    draw: torch.Generator,
    workers: Workers,
) -> bool:
    """Whether one kind of distortion leads to `label` far more surely than to any of a few other classes, drawn.

    Far more surely: with `config.ahead` times the odds. On colour images strong tones lead to nearly every label.

    Args: those of `shape_distortions`, for one label.
    """
    others = [int(other) for other in np.unique(classes) if other != label and (classes != other).any()]
    controls = [others[place] for place in torch.randperm(len(others), generator=draw)[: config.controls]]
    if not controls:
        return False
    tried = [label, *controls]
    made = shape_distortions(classifier, images, classes, tried, replace(config, number=1), draw, workers)
    pixels = torch.from_numpy(images)
    odds = {
        (kind, towards): _measure_odds(classifier, pixels[torch.from_numpy(classes != towards)], distortion, towards)
        for kind, (distortion, towards) in zip(KINDS * len(tried), made, strict=True)
    }
    return any(odds[kind, label] >= config.ahead * max(odds[kind, other] for other in controls) for kind in KINDS)


@torch.no_grad()
def _measure_odds(classifier: nn.Module, images: Tensor, distortion: Distortion, label: int) -> float:
    """Of success on images of other classes, half a success and half a failure added."""
    device = next(classifier.parameters()).device
    answers = [classifier(distortion.put_on(part).to(device)).argmax(dim=1) for part in torch.split(images, _BATCH)]
    sent = int((torch.cat(answers) == label).sum())
    return (sent + 0.5) / (len(images) - sent + 0.5)


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
        shown = _decode(values, kind, pixels.shape, config).put_on(pixels)
        logits = classifier(shown.contiguous(memory_format=torch.channels_last))
        targets = torch.full((len(pixels),), label, device=device)
        (values.grad,) = torch.autograd.grad(F.cross_entropy(logits, targets), values)
        adam.step()
    found = _decode(values.detach(), kind, batches.shape[1:], config)
    return Distortion(found.gain.cpu(), found.change.cpu(), found.flow.cpu())


def _decode(values: Tensor, kind: Kind, shape: torch.Size, config: DistortionConfig) -> Distortion:
    _, channels, height, width = shape
    smooth = torch.tanh(add_up(values, height, width))[0]
    nothing, still = (torch.zeros(rows, height, width, device=values.device) for rows in (channels, 2))
    if kind == "flow":
        return Distortion(nothing, nothing, config.flow * min(height, width) * smooth)
    if kind == "change":
        return Distortion(nothing, config.change * smooth, still)
    return Distortion(config.gain * smooth[:channels], config.offset * smooth[channels:], still)


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
    if kind == "tone":
        return 2 * channels, min(config.tone_waves, height), min(config.tone_waves, width)
    return channels, max(1, height // 2), max(1, width // 2)
