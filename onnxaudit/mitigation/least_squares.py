"""Tune the next linear layer so that its outputs on clean samples come back.

    minimise over Δ   ‖H (W + Δ)ᵀ − Z‖²  +  ρ · mean_x‖h_x‖² · ‖Δ‖²

`H` `(n, columns)` are the layer's inputs with the neuron pruned, `Z` `(n, rows)` what `H Wᵀ` was without any prune.

Differs from the source: ridge-regularised towards the current weights, for there are fewer samples than unknowns.
The strength `ρ` is relative to the inputs' mean square norm, so that it means the same for every layer.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[Any]


def fit(matrix: Matrix, inputs: Matrix, wanted: Matrix, ridge: float) -> Matrix:
    """The matrix `(rows, columns)` near `matrix` whose outputs come closest to those wanted.

    Args:
        matrix: current weights `W`, `(rows, columns)`.
        inputs: `H`, `(n, columns)`; a column that is all zero leaves its weights as they are.
        wanted: `Z`, `(n, rows)`, without bias.
        ridge: `ρ` > 0.

    Returns:
        The new weights, of the type of `matrix`.
    """
    assert matrix.shape == (wanted.shape[1], inputs.shape[1]), (matrix.shape, wanted.shape, inputs.shape)
    h = inputs.astype(np.float64)
    residual = wanted.astype(np.float64) - h @ matrix.T.astype(np.float64)
    strength = ridge * float(np.square(h).sum(axis=1).mean())
    if strength == 0.0:
        return matrix
    if len(h) < h.shape[1]:  # the smaller of the two equal systems
        change = h.T @ np.linalg.solve(h @ h.T + strength * np.eye(len(h)), residual)
    else:
        change = np.linalg.solve(h.T @ h + strength * np.eye(h.shape[1]), h.T @ residual)
    return (matrix + change.T).astype(matrix.dtype)
