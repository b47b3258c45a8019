"""The way back: from the copy's weights to the vendor's graph."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from onnxaudit.importer.graph import Quantization
from onnxaudit.importer.module import TorchModel
from onnxaudit.importer.ops.quantization import dequantize, find_codes
from onnxaudit.intake.model import Model

Stored = npt.NDArray[Any]


def write_back(model: Model, torch_model: TorchModel) -> Model:
    """`model` with the weights that were changed in its copy; all others stay the vendor's, bit for bit.

    `torch_model` has to be a copy of `model` or of one with the same graph. Values are rounded to what the file can
    store; a weight counts as changed when the rounded value differs.
    """
    changed = {}
    for name, weight in torch_model.weights.items():
        quantization = torch_model.graph.quantized.get(name)
        stored = model.initializer(name if quantization is None else quantization.codes)
        value = weight.detach().cpu()
        fresh = round_to(value, stored) if quantization is None else encode(value, stored, quantization)
        if fresh.tobytes() != np.ascontiguousarray(stored).tobytes():
            changed[name if quantization is None else quantization.codes] = fresh
    return model.with_values(changed)


def round_to(weight: torch.Tensor, stored: Stored) -> Stored:
    """The weight in the type of `stored`."""
    return np.ascontiguousarray(weight.numpy().astype(stored.dtype))


def encode(weight: torch.Tensor, stored: Stored, quantization: Quantization) -> Stored:
    """The weight as whole numbers; those of `stored` wherever they mean the same value."""
    scale, zero_point = quantization.scale.cpu(), quantization.zero_point
    layout = {"axis": quantization.axis, "block_size": quantization.block_size}
    limits = np.iinfo(stored.dtype)
    codes = find_codes(weight, scale, zero_point, **layout).double().numpy().clip(limits.min, limits.max)
    untouched = dequantize(torch.from_numpy(stored.copy()), scale, zero_point, **layout).numpy() == weight.numpy()
    return np.where(untouched, stored, codes.astype(stored.dtype))
