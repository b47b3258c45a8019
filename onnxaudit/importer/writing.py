"""The way back: from the copy's weights to the vendor's graph."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from onnxaudit.importer.module import TorchModel
from onnxaudit.intake.model import Model


def write_back(model: Model, torch_model: TorchModel) -> Model:
    """`model` with the weights that were changed in its copy; all others stay the vendor's, bit for bit.

    `torch_model` has to be a copy of `model` or of one with the same graph. Values are rounded to the type that the
    file stores; a weight counts as changed when the rounded value differs.
    """
    changed = {}
    for name, weight in torch_model.weights.items():
        stored = model.initializer(name)
        value = _round(weight.detach(), stored.dtype)
        if value.tobytes() != np.ascontiguousarray(stored).tobytes():
            changed[name] = value
    return model.with_values(changed)


def _round(weight: torch.Tensor, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(weight.cpu().numpy().astype(dtype))
