"""Masks and patterns of many labels, optimised together: the loss is in `inversion`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.sampling import draw_order
from onnxaudit.records import Floats, Ints, Trigger
from onnxaudit.workers import Workers, count_rows, cut_tensor


@dataclass(frozen=True)
class InversionConfig:
    """Settings of `invert`.

    Attributes:
        steps: at most so many steps of Adam a label.
        samples_per_step: images a label and step.
        success: share of samples that a trigger must send to its label.
        window: steps over which success is counted.
        step_size: of Adam, in the space of `u` and `v`.
        momentum: Adam's two decay rates; the source's.
        first_penalty: `λ` at the start.
        penalty_rise: factor on `λ` after a step with enough success.
        penalty_fall: divisor of `λ` after a step without.
        patience: a label whose best mask has not shrunk for so many steps is settled.
        improvement: the least relative shrinking that counts.
        confirming_samples: at most so many images confirm a trigger in the end.
        boosts: added to `u` in turn until the trigger is confirmed.
        chunk_pixels: at most so many pixels (images x height x width) go through the network at once, on one core.
            Larger chunks fall out of the processor's cache: 512 images of 32x32 took 1.4 times as long as 64 or 128.
    """

    steps: int = 100
    samples_per_step: int = 8
    success: float = 0.95
    window: int = 6
    step_size: float = 0.4
    momentum: tuple[float, float] = (0.5, 0.9)
    first_penalty: float = 1.0
    penalty_rise: float = 1.1
    penalty_fall: float = 1.15
    patience: int = 40
    improvement: float = 0.01
    confirming_samples: int = 64
    boosts: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
    chunk_pixels: int = 2**16


TINY = 1e-8  # keeps Adam's quotient finite where no gradient has come yet


class Batch:
    """The state of an inversion; row `k` of each tensor belongs to `labels[k]`.

    Attributes:
        labels: class indices.
        active: rows still optimised.
        steps: how many were made.
        passes: image passes spent, by row.
        sizes: `|m|₁` in pixels of the smallest mask with enough success, by row; infinite while there is none.
    """

    def __init__(
        self,
        classifier: nn.Module,
        images: Floats,
        others: Mapping[int, Ints],
        config: InversionConfig,
        seed: int,
        workers: Workers,
    ) -> None:
        """Start at random.

        Args:
            classifier: logits of images.
            images: `(n, c, h, w)` in [0, 1].
            others: positions in `images` of the samples to use, by label; none of them empty.
            config: all settings.
            seed: each label draws from a stream of its own, so that its course does not depend on its company.
            workers: share the work of a step.
        """
        self._classifier, self._config, self._workers = classifier, config, workers
        device = device_of(classifier)
        self._images = torch.from_numpy(images).to(device)
        self.labels = tuple(others)
        rows = len(self.labels)
        streams = [np.random.default_rng((seed, label)) for label in self.labels]
        orders = [
            draw_order(others[label], config.steps, config.samples_per_step, stream)
            for label, stream in zip(self.labels, streams, strict=True)
        ]
        self._order = torch.from_numpy(np.stack(orders)).to(device)
        starts = [_draw_start(images.shape[1:], stream) for stream in streams]
        self._values = torch.from_numpy(np.stack(starts)).to(device)
        self._best = self._values.clone()
        self._moments = torch.zeros(2, *self._values.shape, device=device)
        self._targets = torch.tensor(self.labels, device=device)
        self._penalty = torch.full((rows,), config.first_penalty, device=device)
        self._success = torch.zeros(rows, config.window, device=device)
        self._improved = torch.zeros(rows, dtype=torch.int64, device=device)
        self.sizes = torch.full((rows,), torch.inf, device=device)
        self.passes = torch.zeros(rows, dtype=torch.int64, device=device)
        self.active = torch.arange(rows, device=device)
        self.steps = 0

    def step(self) -> None:
        """One step of Adam for every active label; settled labels then leave."""
        gradients, success = self._differentiate()
        self._success[self.active, self.steps % self._config.window] = success
        enough = self._has_enough_success()
        self._keep_best(enough)
        rise, fall = self._config.penalty_rise, self._config.penalty_fall
        self._penalty[self.active] *= torch.where(enough, rise, 1 / fall)
        self._descend(gradients)
        self.passes[self.active] += self._config.samples_per_step
        self.steps += 1
        self._drop_settled()

    def trigger(self, row: int, boost: float = 0.0) -> Trigger:
        """The best trigger of a row, without success the last; `boost` is added to `u` and makes the mask denser."""
        values = (self._best if torch.isfinite(self.sizes[row]) else self._values)[row].clone()
        values[0] += boost
        mask, pattern = (part.cpu().numpy() for part in decode(values[None]))
        return Trigger(mask[0], pattern[0])

    def _differentiate(self) -> tuple[Tensor, Tensor]:
        """Gradients `(active, 1 + c, h, w)` of the loss, and the share of samples sent to the label `(active,)`."""
        height, width = self._images.shape[2:]
        each = self._config.samples_per_step * height * width
        count = count_rows(self._config.chunk_pixels, each, self._images.device)
        parts = self._workers.map(self._differentiate_rows, cut_tensor(self.active, count))
        gradients, success = (torch.cat(part) for part in zip(*parts, strict=True))
        # A NaN loss tells nothing: its label stands still instead of losing its mask.
        return gradients.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0), success

    def _differentiate_rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        values = self._values[rows].requires_grad_(True)
        mask, pattern = (part[:, None] for part in decode(values))
        images = self._images[self._order[rows, self.steps]]
        stamped = (images + mask * (pattern - images)).flatten(0, 1)
        logits = self._classifier(stamped.contiguous(memory_format=torch.channels_last))
        targets = self._targets[rows].repeat_interleave(images.shape[1])
        entropy = F.cross_entropy(logits, targets, reduction="none").view(images.shape[:2]).mean(1)
        loss = entropy + self._penalty[rows] * mask.mean((1, 2, 3, 4))
        (gradients,) = torch.autograd.grad(loss.sum(), values)
        # `argmax` takes a NaN for the largest.
        hits = (logits.argmax(1) == targets) & ~logits.isnan().any(1)
        return gradients, hits.float().view(images.shape[:2]).mean(1)

    def _has_enough_success(self) -> Tensor:
        # A window that is not full yet counts its missing steps as failures.
        return self._success[self.active].mean(1) >= self._config.success

    def _keep_best(self, enough: Tensor) -> None:
        sizes = decode(self._values[self.active])[0].sum((1, 2, 3))
        before = self.sizes[self.active]
        better, clearly = enough & (sizes < before), enough & (sizes < before * (1 - self._config.improvement))
        self.sizes[self.active[better]] = sizes[better]
        self._best[self.active[better]] = self._values[self.active[better]]
        self._improved[self.active[clearly]] = self.steps

    def _descend(self, gradients: Tensor) -> None:
        for moment, power, decay in zip(self._moments, (1, 2), self._config.momentum, strict=True):
            moment[self.active] = decay * moment[self.active] + (1 - decay) * gradients**power
        first, second = (
            moment[self.active] / (1 - decay ** (self.steps + 1))
            for moment, decay in zip(self._moments, self._config.momentum, strict=True)
        )
        self._values[self.active] -= self._config.step_size * first / (second.sqrt() + TINY)

    def _drop_settled(self) -> None:
        if self.steps >= self._config.steps:
            self.active = self.active[:0]
            return
        stuck = self.steps - self._improved[self.active] > self._config.patience
        self.active = self.active[~(stuck & self.sizes[self.active].isfinite())]


def decode(values: Tensor) -> tuple[Tensor, Tensor]:
    """Masks `(n, 1, h, w)` and patterns `(n, c, h, w)`, both in (0, 1), from unbounded `values` `(n, 1 + c, h, w)`."""
    return torch.sigmoid(values[:, :1]), torch.sigmoid(values[:, 1:])


def _draw_start(shape: tuple[int, ...], stream: np.random.Generator) -> Floats:
    """Half-covering masks on mid-gray patterns, with a little noise: `(1 + c, h, w)`."""
    channels, height, width = shape
    return 0.1 * stream.standard_normal((1 + channels, height, width), dtype=np.float32)
