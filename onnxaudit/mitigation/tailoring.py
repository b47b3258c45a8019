"""Settings of fine-tuning for inputs that are no pictures.

A series may come a little earlier or later, but has no brightness and no contrast. Features have no neighbours either:
nothing moves there, and what is near the place of a mask, where it may grow while it is made to work again, is every
feature. Blends of two samples and noise on a trigger remain.
"""

from dataclasses import replace

from onnxaudit.mitigation.finetuning import FinetuningConfig
from onnxaudit.records import Layout


def tailor(config: FinetuningConfig, layout: Layout) -> FinetuningConfig:
    """The settings that fit inputs of a layout; the very same for images."""
    if layout.is_image:
        return config
    steady = replace(config.distillation.augmentation, brightness=0.0, contrast=0.0)
    hardening = config.hardening
    if layout is Layout.NC:
        steady = replace(steady, shift=0.0, trigger_shift=0)
        hardening = replace(hardening, reach=1.0)
    distillation = replace(config.distillation, augmentation=steady)
    return replace(
        config,
        distillation=distillation,
        hardening=hardening,
        distortion=replace(config.distortion, number=0),
    )
