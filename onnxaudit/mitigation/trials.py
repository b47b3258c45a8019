"""Measure what a prune would do without running the network: the target layer's activations are kept.

A trial masks columns of the kept activations and computes only what follows. Where the next layer takes the
activations as they are, its products are kept as well, and a trial takes the pruned neurons' share away from them.
Many trials go through what follows in one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from onnxaudit.errors import DataError
from onnxaudit.importer import TorchModel, import_model
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.candidates import Group
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.profiling import read_activations
from onnxaudit.records import Floats, Rate
from onnxaudit.runtime import Runtime
from onnxaudit.statistics import rate_of
from onnxaudit.surgery import Linear, find_next_layer


@dataclass(frozen=True, kw_only=True, eq=False)
class Figures:
    """What a trial shows: `Q`, `S` of the trigger that works best, and what all triggers together show.

    Attributes:
        agreement: `Q`.
        success: `S`.
        pooled: success over all triggers; with one trigger it is `success`.
        margins: `z_target − max other` of each triggered sample, one trigger after the other.
    """

    agreement: Rate
    success: Rate
    pooled: Rate
    margins: npt.NDArray[np.float64]

    @property
    def margin(self) -> float:
        """The mean margin."""
        return float(self.margins.mean())


class Trials:
    """Trial prunes of one layer on validation samples, clean and triggered.

    Attributes:
        layer: the target layer.
        target: the label that the trigger leads to.
        following: the layer that its neurons feed, or None.

    Raises:
        ModelError: the layer cannot be pruned.
        DataError: no validation sample is of another class than the target.
    """

    def __init__(self, context: PruningContext) -> None:
        self.layer, self.target = context.layer, context.target
        self.following: Linear | None = find_next_layer(context.model, context.layer)
        self._copy: TorchModel = import_model(context.model, context.device)
        self._device = context.device
        self._answers = context.validation.answers
        images, self._triggers = _stamp_others(context), len(context.triggers)
        self._clean = len(context.validation.images)
        self._features = self._tensor(read_activations(context.network, self.layer, images))
        self._shape = self._trailing_shape(context.network, images)
        self.use(context.model, ())

    def use(self, model: Model, pruned: Sequence[int]) -> None:
        """Measure from now on as if `pruned` were out of `model`, whose next layer's weights count."""
        for branch in self.following.branches if self.following else ():
            self._copy.weights[branch.weight].copy_(self._tensor(model.initializer(branch.weight)))
        self._kept = self._features.clone()
        self._kept[:, list(pruned)] = 0.0
        self._columns = self._read_columns(model)
        self._products = None if self._columns is None else self._tail(self._kept, self._next_output)

    @torch.no_grad()
    def measure(self, groups: Sequence[Group], most_values: int = 2**22) -> list[Figures]:
        """The figures if each of `groups` were pruned as well, one by one.

        Args:
            groups: neurons that go together.
            most_values: activations computed at once, at most.
        """
        width = self._kept[0].numel() if self._products is None else max(self._products[0].numel(), 1)
        step = max(1, most_values // (len(self._kept) * width))
        figures: list[Figures] = []
        for start in range(0, len(groups), step):
            figures += self._measure(groups[start : start + step])
        return figures

    @torch.no_grad()
    def following_inputs(self, features: Floats) -> npt.NDArray[Any]:
        """What the next layer multiplies `(n, columns)`, for activations `(n, neurons)` of the target layer."""
        assert self.following is not None
        fed = self._tensor(features)
        parts = [self._branch_input(fed, branch.input) * branch.scale for branch in self.following.branches]
        return torch.cat(parts, dim=1).cpu().numpy()

    def _measure(self, groups: Sequence[Group]) -> list[Figures]:
        if self._products is None or self._columns is None:
            states = self._kept.expand(len(groups), *self._kept.shape).clone()
            for state, group in zip(states, groups, strict=True):
                state[:, list(group)] = 0.0
            logits = self._tail(states.flatten(0, 1), None)
        else:
            shares = [self._kept[:, list(group)] @ self._columns[list(group)] for group in groups]
            states = self._products - torch.stack(shares).reshape(len(groups), *self._products.shape)
            logits = self._copy.tail({self._next_output: states.flatten(0, 1)})
        return [self._judge(part) for part in logits.reshape(len(groups), len(self._kept), -1).cpu()]

    def _judge(self, logits: torch.Tensor) -> Figures:
        clean, triggered = logits[: self._clean], logits[self._clean :].double()
        others = triggered.clone()
        others[:, self.target] = -torch.inf
        margins = (triggered[:, self.target] - others.amax(dim=1)).numpy()
        agreement = rate_of(clean.argmax(dim=1).numpy() == self._answers)
        hits = (triggered.argmax(dim=1).numpy() == self.target).reshape(self._triggers, -1)
        success = rate_of(hits[hits.sum(axis=1).argmax()])
        return Figures(agreement=agreement, success=success, pooled=rate_of(hits.reshape(-1)), margins=margins)

    @property
    def _next_output(self) -> str:
        assert self.following is not None
        return self.following.output

    def _read_columns(self, model: Model) -> torch.Tensor | None:
        """The next layer's weights `(neurons, rows)`, if it takes the neurons' activations as they are."""
        following = self.following
        if following is None or any(branch.input != self.layer.activation for branch in following.branches):
            return None
        return sum(self._tensor(branch.matrix(model).T) * branch.scale for branch in following.branches)  # type: ignore[return-value]

    def _branch_input(self, features: torch.Tensor, name: str) -> torch.Tensor:
        return (features if name == self.layer.activation else self._tail(features, name)).flatten(1)

    @torch.no_grad()
    def _tail(self, features: torch.Tensor, name: str | None) -> torch.Tensor:
        return self._copy.tail({self.layer.activation: features.reshape(len(features), *self._shape)}, name)

    def _trailing_shape(self, runtime: Runtime, images: Floats) -> tuple[int, ...]:
        return runtime.activations(images[:1], [self.layer.activation])[self.layer.activation].shape[1:]

    def _tensor(self, array: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.array(array, dtype=np.float32)).to(self._device)


def _stamp_others(context: PruningContext) -> Floats:
    """The validation samples, then those of other classes than the target with each trigger `(n, c, h, w)`."""
    clean = context.validation
    others = clean.classes != context.target
    if not others.any():
        raise DataError(f"no clean sample is of another class than {context.target}: success cannot be measured")
    return np.concatenate([clean.images, *(one.apply(clean.images[others]) for one in context.triggers)])
