"""Tune the next linear layer so that its outputs on clean samples come back.

    minimize over Δ   ‖H (W + Δ)ᵀ − Z‖²  +  ρ · mean_x‖h_x‖² · ‖Δ‖²

`H` `(n, columns)` are the layer's inputs with the neuron pruned, `Z` `(n, rows)` what `H Wᵀ` was without any prune.

Differs from the source: ridge-regularised towards the current weights, for there are fewer samples than unknowns.
The strength `ρ` is relative to the inputs' mean square norm, so that it means the same for every layer.
"""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[Any]


class LeastSquares:
    """Fits of one layer with different inputs out.

    Args:
        matrix: its weights `W`, `(rows, columns)`.
        inputs: its inputs on clean samples with none out, `(n, columns)`.
        ridge: `ρ` > 0.
    """

    def __init__(self, matrix: Matrix, inputs: Matrix, ridge: float) -> None:
        assert matrix.shape[1] == inputs.shape[1], (matrix.shape, inputs.shape)
        self._matrix, self._ridge, self._inputs = matrix, ridge, inputs.astype(np.float64)
        self._weights = matrix.astype(np.float64).T

    @property
    def cost(self) -> int:
        """Products in one fit, about."""
        samples, columns = self._inputs.shape
        return int(samples**2 * columns if samples < columns else columns**2 * (columns // 3 + len(self._matrix)))

    def fit(self, out: list[int]) -> Matrix:
        """The weights `(rows, columns)` near `W` that give `Z` with the columns `out` of the inputs at zero.

        The weights of these columns stay as they are.
        """
        present = np.ones(self._inputs.shape[1])
        present[out] = 0.0
        strength = self._ridge * float((self._squares * present).mean(axis=0).sum())
        if strength == 0.0:
            return self._matrix
        lost = (1 - present)[:, None] * self._weights
        if len(self._inputs) < len(present):
            kept = self._inputs * present
            system = kept @ kept.T + strength * np.eye(len(kept))
            change = kept.T @ np.linalg.solve(system, self._inputs @ lost)
        else:
            system = self._products * np.outer(present, present) + strength * np.eye(len(present))
            change = np.linalg.solve(system, present[:, None] * (self._products @ lost))
        return np.asarray((self._weights + change).T.astype(self._matrix.dtype))

    @cached_property
    def _squares(self) -> Matrix:
        return np.square(self._inputs)

    @cached_property
    def _products(self) -> Matrix:
        """`HᵀH` with none out, which all fits share."""
        return np.asarray(self._inputs.T @ self._inputs)
