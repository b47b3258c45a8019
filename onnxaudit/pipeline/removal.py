"""Take pruned neurons out of a repaired model, and show on images that its answers stay the same."""

import numpy as np

from onnxaudit.errors import ModelError
from onnxaudit.intake import Model
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Removal, Samples, TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import remove_neurons

TOLERANCE = 1e-5  # of logits; sums in another order differ in the last bits


def take_out(
    subject: Subject, repaired: Model, layer: TargetLayer, neurons: tuple[int, ...], samples: Samples
) -> tuple[Model, Removal]:
    """The model without those of its zeroed neurons that can go, compared with `repaired` on `samples`."""
    removed = remove_neurons(repaired, layer, neurons)
    before = len(repaired.to_bytes())
    if not removed.neurons:
        return repaired, Removal((), removed.kept, before, before, 0.0)
    deviation, obstacle = _compare(subject, repaired, removed.model, samples)
    if obstacle:
        return repaired, Removal((), dict.fromkeys(neurons, obstacle), before, before, 0.0)
    return removed.model, Removal(removed.neurons, removed.kept, before, len(removed.model.to_bytes()), deviation)


def _compare(subject: Subject, zeroed: Model, smaller: Model, samples: Samples) -> tuple[float, str]:
    """The largest difference of logits, and why the smaller model cannot take the other's place, or ""."""
    theirs = _logits(subject, zeroed, samples)
    try:
        deviation = float(np.abs(_logits(subject, smaller, samples) - theirs).max())
    except ModelError as error:
        return 0.0, f"onnxruntime refuses the smaller model ({error})"
    if not deviation <= TOLERANCE * max(1.0, float(np.abs(theirs).max())):
        return deviation, f"without it the logits would change by {deviation:.1g}"
    return deviation, ""


def describe_removal(removal: Removal | None) -> tuple[str, ...]:
    """What became of the pruned neurons, one sentence for those that went and one for each reason to stay."""
    if removal is None:
        return ()
    count, total = len(removal.neurons), len(removal.neurons) + len(removal.kept)
    sizes = f"the file has {removal.bytes_after} bytes instead of {removal.bytes_before}"
    sentences = [f"{count} of {total} pruned neurons were taken out of the graph: {sizes}"] if count else []
    for reason in dict.fromkeys(removal.kept.values()):
        staying = sum(other == reason for other in removal.kept.values())
        sentences.append(f"{staying} of {total} pruned neurons stay, at zero: {reason}")
    return tuple(sentences)


def _logits(subject: Subject, model: Model, samples: Samples) -> np.ndarray:
    # On the CPU: CUDA multiplies with 10 bits of mantissa, which hides what is compared here.
    return Runtime(model, subject.choice.preprocessing, "cpu").logits(samples.images)
