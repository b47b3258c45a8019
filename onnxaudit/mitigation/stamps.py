"""Triggers and distortions put on images, each slightly changed on its way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor

from onnxaudit.mitigation.augmentation import AugmentationConfig, move
from onnxaudit.perturbations.patch import cover
from onnxaudit.perturbations.perturbation import Perturbation
from onnxaudit.records import Trigger

Stamped = tuple[Tensor, Tensor]
"""Images `(n, c, h, w)`, and where the stamp that each of them carries leads `(n,)`."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """What can be put on images.

    Attributes:
        triggers: `(k, 1 + c, h, w)`, mask then pattern; `(0,)` without any.
        trigger_labels: where each leads, `(k,)`.
        distortions: changes of the whole image.
        distortion_labels: where each leads, `(d,)`.
    """

    triggers: Tensor
    trigger_labels: Tensor
    distortions: Sequence[Perturbation]
    distortion_labels: Tensor

    @classmethod
    def of(cls, triggers: Sequence[tuple[Trigger, int]], distortions: Sequence[tuple[Perturbation, int]]) -> Self:
        """Of both, each with the label that it leads to."""
        return cls(
            stack([trigger for trigger, _ in triggers]),
            torch.tensor([label for _, label in triggers], dtype=torch.int64),
            [distortion for distortion, _ in distortions],
            torch.tensor([label for _, label in distortions], dtype=torch.int64),
        )

    def put_on(
        self, images: Tensor, triggered: int, distorted: int, config: AugmentationConfig, draw: Generator
    ) -> Stamped:
        """The first images with a trigger each, the next with a distortion each; of a kind that is not known, none.

        Args:
            images: `(n, c, h, w)`.
            triggered: how many are to carry a trigger.
            distorted: how many behind them are to be distorted.
            config: how far triggers are moved and disturbed.
            draw: of all randomness.

        Returns:
            The changed images alone.
        """
        first = triggered if len(self.triggers) else 0
        second = distorted if len(self.distortions) else 0
        covered, labels = self._cover(images[:first], config, draw)
        bent, more = self._distort(images[first : first + second], draw)
        return torch.cat([covered, bent]), torch.cat([labels, more])

    def _cover(self, images: Tensor, config: AugmentationConfig, draw: Generator) -> Stamped:
        if not len(images):
            return images, self.trigger_labels[:0]
        which = torch.randint(len(self.triggers), (len(images),), generator=draw)
        moved = move(self.triggers[which], config.trigger_shift, draw)
        mask, pattern = moved[:, :1], moved[:, 1:]
        noise = config.trigger_noise * torch.randn(pattern.shape, generator=draw)
        return cover(images, mask=mask, pattern=(pattern + noise).clamp(0, 1)), self.trigger_labels[which]

    def _distort(self, images: Tensor, draw: Generator) -> Stamped:
        if not len(images):
            return images, self.distortion_labels[:0]
        which = torch.randint(len(self.distortions), (len(images),), generator=draw)
        bent = torch.empty_like(images)
        for number in sorted(set(which.tolist())):
            bent[which == number] = self.distortions[number].put_on(images[which == number])
        return bent, self.distortion_labels[which]


def stack(triggers: Sequence[Trigger]) -> Tensor:
    """Triggers as one tensor `(k, 1 + c, h, w)`, mask then pattern; `(0,)` without any."""
    parts = [torch.cat([torch.from_numpy(one.mask), torch.from_numpy(one.pattern)]) for one in triggers]
    return torch.stack(parts) if parts else torch.empty(0)


def unstack(triggers: Tensor) -> list[Trigger]:
    """The inverse of `stack`."""
    return [Trigger(part[:1].numpy(), part[1:].numpy()) for part in triggers.cpu()]
