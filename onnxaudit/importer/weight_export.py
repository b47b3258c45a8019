"""The way back: from the copy's weights to the vendor's graph."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from onnxaudit.importer.graph import Quantization
from onnxaudit.importer.module import TorchModel
from onnxaudit.intake.model import Model
from onnxaudit.intake.stored import Scaling, encode

Stored = npt.NDArray[Any]


def write_back(model: Model, torch_model: TorchModel) -> Model:
    """`model` with the weights that were changed in its copy; all others stay the vendor's, bit for bit.

    `torch_model` has to be a copy of `model` or of one with the same graph. Values are rounded to what the file can
    store; a weight counts as changed when the rounded value differs. Weights stored as whole numbers keep their scale:
    what lies outside its range is clipped, which `count_clipped` tells.
    """
    changed = {}
    for target, _, stored, fresh, _ in _encode_all(model, torch_model):
        if fresh.tobytes() != np.ascontiguousarray(stored).tobytes():
            changed[target] = fresh
    return model.with_values(changed)


def count_clipped(model: Model, torch_model: TorchModel) -> dict[str, int]:
    """How many entries of each weight `write_back` has to clip, by weight; those without any are left out."""
    return {name: clipped for _, name, _, _, clipped in _encode_all(model, torch_model) if clipped}


def _encode_all(model: Model, torch_model: TorchModel) -> Iterator[tuple[str, str, Stored, Stored, int]]:
    """By weight: what stores it, its name, the value in force, the new value, and how many entries were clipped."""
    for name, weight in torch_model.weights.items():
        value, quantization = weight.detach().cpu(), torch_model.graph.quantized.get(name)
        target = name if quantization is None else quantization.codes
        stored = model.initializer(target)
        if quantization is None:
            yield target, name, stored, round_to(value, stored), 0
        else:
            yield target, name, stored, *_encode(value, stored, quantization)


def round_to(weight: torch.Tensor, stored: Stored) -> Stored:
    """The weight in the type of `stored`."""
    return weight.numpy().astype(stored.dtype, order="C")


def _encode(weight: torch.Tensor, stored: Stored, quantization: Quantization) -> tuple[Stored, int]:
    scaling = Scaling(
        scale=quantization.scale.cpu().numpy(),
        zero_point=None if quantization.zero_point is None else quantization.zero_point.cpu().numpy(),
        axis=quantization.axis,
        block_size=quantization.block_size,
    )
    return encode(weight.numpy(), stored, scaling)
