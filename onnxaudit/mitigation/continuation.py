"""What follows a layer, as a differentiable function of its activations and of the next layer's weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnxaudit.importer import import_model
from onnxaudit.intake.model import Model
from onnxaudit.mitigation.profiling import read_activations
from onnxaudit.records import Floats, TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import Linear, find_next_layer, zero_neurons


class Continuation:
    """The class scores for activations of a layer of which some neurons are out.

    Attributes:
        layer: the layer.
        following: the layer that takes its activations as they are, whose weights may be replaced; or None.
        matrix: what `following` multiplies them by `(rows, neurons)` in the model as it came; or None.
        device: where the copy runs.
    """

    def __init__(self, network: Runtime, model: Model, layer: TargetLayer, device: str) -> None:
        self.layer, self.device = layer, device
        self._network, self._copy = network, import_model(model, device)
        self._trailing: tuple[int, ...] | None = None
        following = find_next_layer(model, layer)
        plain = following is not None and [branch.input for branch in following.branches] == [layer.activation]
        self.following: Linear | None = following if plain else None
        self.matrix: Tensor | None = None
        if self.following is not None:
            self.matrix = self._tensor(self.following.matrix(model) * self.following.branches[0].scale)

    def read(self, images: Floats) -> Tensor:
        """Activations `(n, neurons)` of `images` `(n, c, h, w)`, or of a convolution's channels `(n, neurons, ...)`.

        Raises:
            ModelError: the layer has not one activation, or one map, a neuron.
        """
        if self._trailing is None:
            name = self.layer.activation
            self._trailing = self._network.activations(images[:1], [name])[name].shape[1:]
        return self._tensor(read_activations(self._network, self.layer, images))

    def logits(self, activations: Tensor, present: Tensor, matrix: Tensor | None = None) -> Tensor:
        """The class scores `(n, classes)`.

        Args:
            activations: as `read` gives them.
            present: 1 for a neuron that is there and 0 for one that is out, `(neurons,)`.
            matrix: what `following` multiplies by in place of `self.matrix`, `(rows, neurons)`.
        """
        kept = activations * present.reshape(1, -1, *[1] * (activations.ndim - 2))
        fed = {self.layer.activation: kept.reshape(len(kept), *(self._trailing or kept.shape[1:]))}
        if matrix is None or self.matrix is None or self.following is None:
            return self._copy.tail(fed)
        products = self._copy.tail(fed, self.following.output)
        change = (kept @ (matrix - self.matrix).T).reshape(products.shape)
        return self._copy.tail({self.following.output: products + change})

    def write(self, model: Model, pruned: Sequence[int], matrix: Tensor | None) -> Model:
        """`model` without the neurons `pruned`, and with the weights of `following` replaced.

        Raises:
            ModelError: the weights are shared with other nodes, or a neuron leaves a constant behind.
        """
        cut = zero_neurons(model, self.layer, pruned) if pruned else model
        if matrix is None or self.following is None:
            return cut
        weights = self.to_numpy(matrix) / self.following.branches[0].scale
        weights[:, list(pruned)] = 0.0  # where a neuron's activation at zero is not zero, this takes it out
        return self.following.with_matrix(cut, weights)

    @staticmethod
    def to_numpy(tensor: Tensor) -> npt.NDArray[np.float32]:
        """The values of a tensor."""
        return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float32)

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.array(array, dtype=np.float32)).to(self.device)
