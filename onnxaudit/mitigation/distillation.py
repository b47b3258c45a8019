"""A copy that answers as the original does, whether or not a trigger is on the image.

    T² · KL( softmax(f(x)/T) ‖ softmax(g(x')/T) ),   x' = A(x, m, δ) for a share of the images, else x

`f` is the original, `g` the copy, `x` an augmented clean image; the original never sees a stamped one.

Source: G. Hinton et al., Distilling the knowledge in a neural network, 2015; blends of images as further questions
after L. Beyer et al., Knowledge distillation: a good teacher is patient and consistent, CVPR 2022.

Differs from the sources: `T` is the standard deviation of the original's centred logits. Networks trained to the
end have margins of 5 or of 50; a fixed `T` would distil the one and teach hard labels to the other.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, write_back
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.augmentation import AugmentationConfig, augment, stamp
from onnxaudit.records import Floats


@dataclass(frozen=True)
class DistillationConfig:
    """Settings of one round.

    Attributes:
        steps: of Adam.
        batch: images a step.
        stamped: share of them that carry a trigger.
        step_size: Adam's largest; it rises over the first steps and falls to zero along a cosine.
        warmup: steps over which it rises.
        copies: augmented copies of each clean image.
        most_values: pixels kept in augmented copies, at most: 256 MiB.
        augmentation: how images and triggers are changed.
    """

    steps: int = 150
    batch: int = 64
    stamped: float = 0.25
    step_size: float = 3e-3
    warmup: int = 10
    copies: int = 16
    most_values: int = 2**26
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


class Distiller:
    """Trains a copy towards the original; batch norms keep their statistics.

    Args:
        original: answers questions.
        copy: is trained, its weights named in `weights`.
        images: clean images `(n, c, h, w)`.
        weights: initializers to move.
        config: settings.
        seed: of all randomness.
    """

    def __init__(
        self,
        original: Classifier,
        copy: Classifier,
        images: Floats,
        weights: tuple[str, ...],
        config: DistillationConfig,
        seed: int,
    ) -> None:
        self._original = original
        self._copy = copy
        self._images = torch.from_numpy(images)
        self._config = config
        self._draw = torch.Generator().manual_seed(seed)
        copy.model.unfreeze(weights)
        self._weights = [copy.model.weights[name] for name in weights]
        self._device = self._weights[0].device
        self._held: list[tuple[Tensor, Tensor]] = []

    def hold(self, entries: Mapping[str, npt.NDArray[np.bool_]]) -> None:
        """Keep these entries of initializers, masks by name, at zero from now on."""
        weights = self._copy.model.weights
        self._held = [(weights[name], torch.from_numpy(mask).to(self._device)) for name, mask in entries.items()]

    def train(self, triggers: Tensor, deadline: Deadline) -> None:
        """One round, with `triggers` `(k, 1 + c, h, w)`; with none of them on clean images alone."""
        questions = self._ask()
        answers = self._answer(questions)
        temperature = float((answers - answers.mean(dim=1, keepdim=True)).std())
        adam = torch.optim.Adam(self._weights, lr=self._config.step_size)
        for step in range(self._config.steps):
            if deadline.passed:
                return
            adam.param_groups[0]["lr"] = self._step_size(step)
            chosen = torch.randint(len(questions), (self._config.batch,), generator=self._draw)
            logits = self._copy(self._put(self._disturb(questions[chosen], triggers)))
            loss = F.kl_div(
                F.log_softmax(logits / temperature, dim=1),
                F.softmax(answers[chosen.to(self._device)] / temperature, dim=1),
                reduction="batchmean",
            )
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            self._zero()

    def export(self, model: Model) -> Model:
        """`model` with the copy's weights."""
        return write_back(model, self._copy.model)

    def _ask(self) -> Tensor:
        most = max(1, self._config.most_values // self._images.numel())
        repeated = self._images.repeat(min(self._config.copies, most), 1, 1, 1)
        return augment(repeated, self._config.augmentation, self._draw)

    @torch.no_grad()
    def _answer(self, questions: Tensor) -> Tensor:
        return torch.cat([self._original(self._put(part)) for part in torch.split(questions, self._config.batch)])

    def _disturb(self, images: Tensor, triggers: Tensor) -> Tensor:
        if not len(triggers):
            return images
        count = round(self._config.stamped * len(images))
        stamped = stamp(images[:count], triggers, self._config.augmentation, self._draw)
        return torch.cat([stamped, images[count:]])

    def _step_size(self, step: int) -> float:
        rise = min(1.0, (step + 1) / self._config.warmup)
        return self._config.step_size * rise * 0.5 * (1 + math.cos(math.pi * step / self._config.steps))

    def _put(self, images: Tensor) -> Tensor:
        return images.to(self._device).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def _zero(self) -> None:
        for weight, mask in self._held:
            weight[mask] = 0.0
