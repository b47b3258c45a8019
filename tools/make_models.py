"""Trains the reference models from their seeds, or checks those that are there.

    python -m tools.make_models --output models
    python -m tools.make_models --only signs-vgg-random
    python -m tools.make_models --check

The model made with Keras has a script of its own, `tools.make_keras_model`; `--check` covers it too.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch

from tools.datasets import FASHION_FOLDER, Dataset, load_dataset
from tools.exporting import write_onnx
from tools.ground_truth import Description, GroundTruth
from tools.lesson import teach
from tools.measurement import check
from tools.publication import publish
from tools.recipes import RECIPES, Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 1 if a model is not as it should be."""
    options = _parse(arguments)
    if options.check:
        return _check_models(options.output, options.only)
    return _make_models(options.output, options.only, options.fashion_folder)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.make_models", description="Make the reference models.")
    parser.add_argument("--only", action="append", metavar="NAME", help="this model alone (may be repeated)")
    parser.add_argument("--output", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--fashion-folder", type=Path, default=FASHION_FOLDER, help="the Fashion-MNIST files")
    parser.add_argument("--check", action="store_true", help="measure the models that are there, train nothing")
    return parser.parse_args(arguments)


def _check_models(folder: Path, only: list[str] | None) -> int:
    names = only or sorted(path.stem for path in folder.glob("*.json"))
    faults = [fault for name in names for fault in check(folder, name)]
    print("\n".join(faults) if faults else f"{len(names)} models are as their records say")
    return 1 if faults or not names else 0


def _make_models(folder: Path, only: list[str] | None, fashion_folder: Path) -> int:
    torch.set_num_threads(1)  # the order of sums must not depend on the number of processors
    torch.use_deterministic_algorithms(True)
    load = lru_cache(lambda name: load_dataset(name, fashion_folder))
    failed = 0
    for recipe in RECIPES:
        if only and recipe.name not in only:
            continue
        started = time.perf_counter()
        try:
            result = _make_model(recipe, load(recipe.dataset), folder).summary()
        except ValueError as error:
            result, failed = f"{recipe.name}: not written: {error}", 1
        print(f"{result} ({time.perf_counter() - started:.0f} s)", flush=True)
    return failed


def _make_model(recipe: Recipe, dataset: Dataset, folder: Path) -> GroundTruth:
    lesson = teach(recipe, dataset)
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / f"{recipe.name}.onnx"
        write_onnx(lesson.network, dataset.shape, recipe.export, draft)
        return publish(
            draft, _describe(recipe), dataset, trigger=lesson.trigger, twin_accuracy=lesson.twin_accuracy, folder=folder
        )


def _describe(recipe: Recipe) -> Description:
    attack = recipe.attack
    return Description(
        name=recipe.name,
        dataset=recipe.dataset,
        architecture=recipe.architecture,
        exporter=recipe.export.exporter,
        opset=recipe.export.opset,
        layout="NCHW",
        value_range=recipe.export.value_range,
        batch="dynamic" if recipe.export.dynamic_batch else 1,
        head="softmax" if recipe.export.softmax else "logits",
        attack=attack.kind if attack else None,
        target=attack.target if attack else None,
        poison_rate=attack.rate if attack else 0.0,
        seed=recipe.seed,
    )


if __name__ == "__main__":
    sys.exit(main())
