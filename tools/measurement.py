"""Accuracy and attack success of a written model, through onnxruntime."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tools.attacks.patches import Trigger
from tools.datasets import Part
from tools.ground_truth import Description, GroundTruth

MIN_ATTACK_SUCCESS = 0.97
MAX_ACCURACY_LOSS = 0.03
"""A backdoored model that falls short of these would say little about a defence."""


@dataclass(frozen=True)
class Measurement:
    """Clean accuracy and attack success rate, as fractions; the latter is None without a trigger."""

    clean_accuracy: float
    attack_success_rate: float | None


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def measure(path: Path, model: Description, evaluation: Part, trigger: Trigger | None) -> Measurement:
    """Measures a written model on evaluation images, and on those that carry the trigger."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = evaluation.pixels()
    accuracy = float(np.mean(classify(session, _make_inputs(pixels, model)) == evaluation.y))
    if trigger is None:
        return Measurement(accuracy, None)
    triggered = trigger.stamp(pixels[evaluation.y != model.target])
    return Measurement(accuracy, float(np.mean(classify(session, _make_inputs(triggered, model)) == model.target)))


def check(folder: Path, name: str) -> list[str]:
    """Measures a model of `folder` again, and says in what it differs from its record: nothing if all is well."""
    truth = GroundTruth.load(folder / f"{name}.json")
    path = folder / f"{name}.onnx"
    faults = [] if hash_file(path) == truth.sha256 else [f"{path}: the SHA-256 is not that of the record"]
    evaluation = Part.load(folder / "samples" / f"{truth.dataset}-evaluation.npz")
    trigger = Trigger.load(folder / truth.trigger) if truth.trigger else None
    measured = measure(path, truth, evaluation, trigger)
    faults += [
        f"{path}: {what} is {value}, the record says {recorded}"
        for what, value, recorded in (
            ("clean accuracy", measured.clean_accuracy, truth.clean_accuracy),
            ("attack success rate", measured.attack_success_rate, truth.attack_success_rate),
        )
        if not _agree(value, recorded)
    ]
    return faults + find_weakness(measured, truth.twin_accuracy)


def find_weakness(measured: Measurement, twin_accuracy: float | None) -> list[str]:
    """Why a backdoored model is not worth keeping: its attack fails, or its accuracy gives it away."""
    faults = []
    if measured.attack_success_rate is not None and measured.attack_success_rate < MIN_ATTACK_SUCCESS:
        faults.append(f"attack success rate {measured.attack_success_rate:.3f} is below {MIN_ATTACK_SUCCESS}")
    if twin_accuracy is not None and measured.clean_accuracy < twin_accuracy - MAX_ACCURACY_LOSS:
        faults.append(f"accuracy {measured.clean_accuracy:.3f} is too far below the clean {twin_accuracy:.3f}")
    return faults


def _agree(value: float | None, recorded: float | None) -> bool:
    """Equal up to a few borderline images: other processors round otherwise."""
    if value is None or recorded is None:
        return value is recorded
    return abs(value - recorded) < 0.005


def classify(session: onnxruntime.InferenceSession, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Predicted labels `(n,)` of inputs in the form that the model takes."""
    (described,) = session.get_inputs()
    step = described.shape[0] if isinstance(described.shape[0], int) else 256
    batches = (inputs[start : start + step] for start in range(0, len(inputs), step))
    return np.concatenate([session.run(None, {described.name: batch})[0].argmax(axis=1) for batch in batches])


def _make_inputs(pixels: NDArray[np.float32], model: Description) -> NDArray[np.float32]:
    """What the model is fed for images `(n, c, h, w)` in [0, 1]."""
    low, high = model.value_range
    inputs = pixels * np.float32(high - low) + np.float32(low)
    return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1)) if model.layout == "NHWC" else inputs
