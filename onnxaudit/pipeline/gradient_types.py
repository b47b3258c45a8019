"""Gradients in bfloat16, half as wide as float32, where the processor multiplies that by itself.

Convolutions and products of matrices are most of a pass of a large network, and take half the time: a pass of a VGG-16
at 240x240 .39 s in place of .73, of a ResNet-18 at 224x224 .043 in place of .085, of an EfficientNet-Lite0, whose
convolutions are mostly depthwise, .041 in place of .045. Whether a trigger works is always asked in float32.
"""

from collections.abc import Mapping

import torch

from onnxaudit.importer import Classifier
from onnxaudit.importer.parity import rounds
from onnxaudit.pipeline.settings import DetectionConfig

NOTE = "gradients of this network are computed in bfloat16, answers in float32"
_NATIVE = ("avx512_bf16", "amx_bf16")  # what is emulated is slower than float32


def fit_gradients(classifier: Classifier, config: DetectionConfig) -> Classifier:
    """The classifier with gradients of the number type that fits it and its processor.

    Not of a network that rounds: its whole numbers do not fit into bfloat16.
    """
    if not config.brief or classifier.model.device.type != "cpu" or rounds(classifier.model):
        return classifier
    brief = classifier.with_gradients_in(torch.bfloat16)
    return brief if _multiplies_bfloat16() and _gives_gradients(brief) else classifier


def _multiplies_bfloat16() -> bool:
    capabilities: Mapping[str, object] = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in _NATIVE)


def _gives_gradients(classifier: Classifier) -> bool:
    """Whether one image goes there and back: some operators take no mix of number types."""
    spec = classifier.model.info.input
    image = torch.full((spec.batch or 1, spec.channels, spec.height, spec.width), 0.5, requires_grad=True)
    try:
        (gradient,) = torch.autograd.grad(classifier(image).sum(), image)
    except RuntimeError:
        return False
    return bool(gradient.isfinite().all())
