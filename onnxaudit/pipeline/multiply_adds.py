"""How much a network multiplies for one input, and what of a scan follows from that: the same on every machine."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from onnxaudit.importer.module import TorchModel
from onnxaudit.pipeline.settings import DetectionConfig


def count_multiply_adds(copy: TorchModel) -> int:
    """Multiplications of one image's way to the logits, in convolutions and products of matrices."""
    batch = copy.info.input.batch or 1
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        copy(torch.zeros(copy.info.input.shape(batch), device=copy.device))
    return int(counter.get_total_flops()) // (2 * batch)


def fit_settings(config: DetectionConfig, copy: TorchModel) -> DetectionConfig:
    """The settings for a model: those for its inputs, and those by which large images meet a costly network."""
    fitted = config.fit_to(copy.info.input)
    return fitted.thin_out(count_multiply_adds(copy), copy.info.output.classes) if fitted.large else fitted
