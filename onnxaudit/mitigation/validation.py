"""What pruned networks answer on `D_valid`, clean and triggered."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from onnxaudit.errors import DataError
from onnxaudit.mitigation.augmentation import AugmentationConfig, count_places, move
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.continuation import Continuation
from onnxaudit.mitigation.evaluation import classify
from onnxaudit.records import Rate
from onnxaudit.statistics import rate_of

COPIES = 3
"""Moved copies of each sample: hundreds of prunes are chosen by the samples, which then look better than others do."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a prune shows on `D_valid`.

    Attributes:
        agreement: `Q`.
        moved_agreement: agreement on copies of the samples that are moved by some pixels.
        success: `S`, of the trigger that works best.
        pooled: success over all triggers; with one trigger it is `success`.
        margin: the mean of `z_target − max other` of triggered samples.
    """

    agreement: Rate
    moved_agreement: Rate
    success: Rate
    pooled: Rate
    margin: float


class Validation:
    """Measures prunes of one layer on validation samples.

    Raises:
        ModelError: the layer cannot be pruned.
        DataError: no validation sample is of another class than the target.
    """

    def __init__(self, context: PruningContext, after: Continuation) -> None:
        samples, others = context.validation, context.validation.classes != context.target
        if not others.any():
            raise DataError(f"no clean sample is of another class than {context.target}: success cannot be measured")
        self._after, self._answers, self._target = after, samples.answers, context.target
        images, draw = torch.from_numpy(np.asarray(samples.images)), Generator().manual_seed(0)
        reach = count_places(AugmentationConfig().shift, images)
        moved = torch.cat([move(images, reach, draw) for _ in range(COPIES)])
        answers = classify(context.original or context.network, moved.numpy())
        fires = (answers == context.target) & np.tile(others, COPIES)  # the backdoor by itself, which is to go
        self._clean, self._moved = after.read(samples.images), after.read(moved.numpy()[~fires])
        self._moved_answers = answers[~fires]
        self._triggered = [after.read(one.apply(samples.images[others])) for one in context.triggers]

    def measure(self, present: Tensor, matrix: Tensor | None) -> Figures:
        """The figures with the neurons that are `present` and these weights of the next layer, see `Continuation`."""
        agreement = rate_of(self._run(self._clean, present, matrix).argmax(axis=1) == self._answers)
        moved = rate_of(self._run(self._moved, present, matrix).argmax(axis=1) == self._moved_answers)
        logits = [self._run(one, present, matrix) for one in self._triggered]
        hits = [one.argmax(axis=1) == self._target for one in logits]
        return Figures(
            agreement=agreement,
            moved_agreement=moved,
            success=rate_of(max(hits, key=lambda one: int(one.sum()))),
            pooled=rate_of(np.concatenate(hits)),
            margin=float(np.mean([self._margins(one).mean() for one in logits])),
        )

    @torch.no_grad()
    def _run(self, activations: Tensor, present: Tensor, matrix: Tensor | None) -> npt.NDArray[np.float32]:
        return self._after.to_numpy(self._after.logits(activations, present, matrix))

    def _margins(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        others = logits.astype(np.float64)
        others[:, self._target] = -np.inf
        return np.asarray(logits[:, self._target] - others.max(axis=1))
