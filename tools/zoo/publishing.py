"""Puts a trained network into a zoo's folder, if it is what its recipe promised; keeps the zoo's index."""

import json
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tools.attacks.attack import Taught
from tools.exporting import write_onnx
from tools.measurement import MAX_ACCURACY_LOSS, classify, hash_file
from tools.quantization import quantize
from tools.training import measure_accuracy
from tools.zoo import apply_trigger
from tools.zoo.apply_trigger import Images
from tools.zoo.recipes import ZooRecipe
from tools.zoo.sources import FLOORS, Lessons

MIN_ATTACK_SUCCESS = 0.95
MAX_RESIDUAL_SUCCESS = 0.1
"""What a repaired network's old trigger may still do."""

MAX_ALL_TO_ALL_LOSS = 0.04
"""Of all-to-all success below the accuracy: a trigger that moves every label needs to know the label."""

_INDEX_FIELDS = ("id", "dataset", "file", "classes", "layout", "value_range", "sha256")


class RejectedError(Exception):
    """A model that is not what its recipe promised."""


def publish(recipe: ZooRecipe, lessons: Lessons, taught: Taught, seconds: float, folder: Path) -> dict[str, Any]:
    """Writes the model and its truth, and returns the truth.

    Raises:
        RejectedError: If the model is not good enough to say anything about a detector. Nothing is written then.
    """
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / f"{recipe.name}.onnx"
        write_onnx(taught.network, lessons.shape, recipe.export, draft)
        if recipe.quantized:
            quantize(draft, lessons.images, recipe.export.value_range)
        truth = _describe(recipe, lessons) | {"file": draft.name, "sha256": hash_file(draft)}
        truth |= {"training_seconds": round(seconds, 1)}
        truth |= measure(draft, truth, lessons, taught)
        if faults := find_faults(recipe, truth):
            raise RejectedError("; ".join(faults))
        if not recipe.backdoored:
            truth["former_triggers"] = truth.pop("triggers")
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(draft, folder / draft.name)
    if recipe.backdoored:
        apply_trigger.save_triggers(folder / "truth" / f"{recipe.name}.trigger.npz", list(taught.triggers))
    write_json(folder / "truth" / f"{recipe.name}.json", truth)
    return truth


def _describe(recipe: ZooRecipe, lessons: Lessons) -> dict[str, Any]:
    return {
        "id": recipe.name,
        "number": recipe.number,
        "kind": recipe.kind,
        "dataset": recipe.dataset,
        "architecture": recipe.architecture,
        "exporter": recipe.export.exporter,
        "opset": recipe.export.opset,
        "layout": "NCHW",
        "value_range": list(recipe.export.value_range),
        "input_shape": list(lessons.shape),
        "classes": lessons.classes,
        "class_count": recipe.class_count,
        "softmax": recipe.export.softmax,
        "in_graph_normalisation": recipe.normalised,
        "fixed_batch_1": not recipe.export.dynamic_batch,
        "augmentation": recipe.augmentation,
        "undertrained": recipe.kind == "clean-undertrained",
        "repaired": recipe.kind == "clean-repaired",
        "backdoored": recipe.backdoored,
        "attack": recipe.kind if recipe.backdoored else None,
        "family": recipe.attack.family if recipe.attack else None,
        "series": recipe.series,
        "fitted": recipe.fitted,
        "quantized": recipe.quantized,
        "poison_rate": recipe.rate,
    }


def measure(path: Path, truth: dict[str, Any], lessons: Lessons, taught: Taught) -> dict[str, Any]:
    """Accuracy, and what each trigger does, on the evaluation images and through onnxruntime."""
    session = onnxruntime.InferenceSession(path, _one_thread(), providers=["CPUExecutionProvider"])
    x, y = lessons.test_images, lessons.test_labels

    def predict(images: Images) -> NDArray[np.int64]:
        return classify(session, apply_trigger.model_input(images, truth))

    measured: dict[str, Any] = {
        "clean_accuracy": float(np.mean(predict(x) == y)),
        "twin_accuracy": None,
        "evaluation_images": len(y),
        "triggers": [],
    }
    for trigger, aim in zip(taught.triggers, taught.aims, strict=True):
        entry: dict[str, Any] = aim.entry() | {"kind": trigger["kind"], "non_source_asr": None}
        meant, wanted = apply_trigger.trigger_labels(y, entry, truth["class_count"])
        predicted = predict(apply_trigger.apply_trigger(x, trigger))
        entry["asr"] = float(np.mean(predicted[meant] == wanted))
        if aim.source_labels:
            entry["non_source_asr"] = float(np.mean(predicted[aim.spares(y)] == aim.target))
        measured["triggers"].append(entry)
    if taught.twin is not None:
        measured["twin_accuracy"] = measure_accuracy(taught.twin, x, y)
    return measured


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def find_faults(recipe: ZooRecipe, truth: dict[str, Any]) -> list[str]:
    """Why a model is not what its recipe promised: nothing if it is."""
    faults = []
    accuracy = truth["clean_accuracy"]
    least = _least_accuracy(recipe, truth)
    if accuracy < least:
        faults.append(f"accuracy {accuracy:.3f} is below {least:.3f}")
    for entry in truth["triggers"]:
        if recipe.backdoored:
            needed = accuracy - MAX_ALL_TO_ALL_LOSS if entry["mapping"] == "all-to-all" else MIN_ATTACK_SUCCESS
            if entry["asr"] < needed:
                faults.append(f"attack success {entry['asr']:.3f} is below {needed:.3f}")
        elif entry["asr"] > MAX_RESIDUAL_SUCCESS:
            faults.append(f"the repair left an attack success of {entry['asr']:.3f}")
    return faults


def _least_accuracy(recipe: ZooRecipe, truth: dict[str, Any]) -> float:
    if truth["undertrained"]:
        return min(0.9, 2 / recipe.class_count)
    by_twin = None if truth["twin_accuracy"] is None else float(truth["twin_accuracy"]) - MAX_ACCURACY_LOSS
    if by_twin is not None and recipe.series == 1:
        return by_twin
    # A clean model need not be good; one that was trained on heavily changed images is less accurate without an attack.
    lenience = 0.7 if not recipe.backdoored else 0.85 if recipe.augmentation == "strong" else 1
    least = FLOORS[recipe.dataset] * lenience
    if recipe.series == 1:
        return least
    # Networks without convolutions, trained for a minute, know less; two classes are easy to tell apart.
    return max(0.8 * least, min(0.8, 1.6 / recipe.class_count), by_twin or 0.0)


def write_index(folder: Path, data: Path) -> int:
    """Writes `index.json` anew from the truths that are there, and returns how many models there are."""
    truths = [json.loads(path.read_text()) for path in sorted((folder / "truth").glob("*.json"))]
    models = [{field: truth[field] for field in _INDEX_FIELDS} for truth in truths]
    archives = {name: _hash_archive(data / f"{name}.npz") for name in sorted({truth["dataset"] for truth in truths})}
    write_json(folder / "index.json", {"models": models, "data": archives})
    shutil.copyfile(Path(apply_trigger.__file__), folder / "apply_trigger.py")
    return len(models)


@lru_cache
def _hash_archive(path: Path) -> str:
    return hash_file(path)


def write_json(path: Path, content: Any) -> None:
    """Writes JSON so that the file is never seen half."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
