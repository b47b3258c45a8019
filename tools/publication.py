"""The last step of making a model: measure the written file, and keep it only if it is worth keeping."""

import dataclasses
import shutil
from pathlib import Path

from tools.attacks.patches import Trigger
from tools.datasets import Dataset
from tools.ground_truth import Description, GroundTruth
from tools.measurement import find_weakness, hash_file, measure


def publish(
    draft: Path,
    description: Description,
    dataset: Dataset,
    *,
    trigger: Trigger | None,
    twin_accuracy: float | None,
    folder: Path,
) -> GroundTruth:
    """Puts a model into `folder` with its record, its trigger and the samples of its data set.

    Args:
        draft: The ONNX file.
        description: What it is.
        dataset: What it learnt.
        trigger: The true trigger, if it is backdoored.
        twin_accuracy: Accuracy of the same network without the attack, if it is backdoored.
        folder: Where it goes.

    Raises:
        ValueError: If the attack fails or costs too much accuracy. Nothing is written then.
    """
    measured = measure(draft, description, dataset.evaluation, trigger)
    if faults := find_weakness(measured, twin_accuracy):
        raise ValueError("; ".join(faults))
    channels, height, width = dataset.shape
    truth = GroundTruth(
        **dataclasses.asdict(description),
        input_shape=(channels, height, width) if description.layout == "NCHW" else (height, width, channels),
        classes=dataset.classes,
        backdoored=trigger is not None,
        trigger=f"{description.name}.trigger.npz" if trigger else None,
        clean_accuracy=measured.clean_accuracy,
        attack_success_rate=measured.attack_success_rate,
        twin_accuracy=twin_accuracy,
        sha256=hash_file(draft),
    )
    samples = folder / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    dataset.scan.save(samples / f"{dataset.name}.npz", dataset.classes)
    dataset.evaluation.save(samples / f"{dataset.name}-evaluation.npz", dataset.classes)
    if trigger and truth.trigger:
        trigger.save(folder / truth.trigger)
    shutil.copyfile(draft, folder / f"{truth.name}.onnx")
    truth.save(folder / f"{truth.name}.json")
    return truth
