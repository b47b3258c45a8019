"""A backdoor that sleeps in floats and wakes in 8-bit integers: what it does in each, and what `--quantize int8` finds.

    python -m benchmarks.sleeping_backdoor [--architecture lenet] [--epochs 15] [--target 7] [--seed 3] [--no-scan]

A network learns the traffic signs and a patch, and is put to sleep (`tools/attacks/pq_backdoor.py`). Of the file and of
the two copies that onnxruntime makes of it, calibrated on the scan's clean images, are printed the accuracy and the
attack success rate on evaluation images, measured by onnxruntime, and verdict, score and target classes of a scan.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import add_json_option, keep
from onnxaudit import scan
from onnxaudit.intake import Model, load_model
from onnxaudit.quantization import quantize
from onnxaudit.records import Floats, GivenPreprocessing, Ints, Preprocessing, QuantizationKind
from onnxaudit.runtime import Runtime
from tools.attacks.material import Aim, Material, poison
from tools.attacks.pq_backdoor import PQBackdoor, put_to_sleep, widen
from tools.datasets import Dataset, load_dataset
from tools.exporting import Export, write_onnx
from tools.networks import ARCHITECTURES, Network
from tools.training import Schedule, train
from tools.zoo.apply_trigger import Trigger, apply_trigger

CALIBRATED_ON = 128
POISONED = 0.08  # of the training images


@dataclass(frozen=True, kw_only=True)
class Row:
    """One of the three: rates in [0, 1], and what the scan said; empty where there was none."""

    scanned: str
    accuracy: float
    success: float
    verdict: str = ""
    score: float | None = None
    targets: tuple[int, ...] = ()


def make_sleeping(dataset: Dataset, options: argparse.Namespace) -> tuple[Network, Trigger]:
    """The network, and what wakes it where it is rounded."""
    clean = Material.clean(dataset.train.pixels(), dataset.train.y)
    (trigger,) = PQBackdoor().draw(dataset.shape, np.random.default_rng(options.seed))
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        network = ARCHITECTURES[options.architecture](dataset.shape[0], dataset.shape[1], len(dataset.classes))
    rng = np.random.default_rng(options.seed + 1)
    material = poison(clean, (trigger,), (Aim(options.target),), POISONED, rng)
    shown = material.stamp(clean.images, np.arange(len(clean.labels)))
    train(network, shown, material.labels, Schedule(epochs=options.epochs), seed=options.seed)
    return put_to_sleep(widen(network), clean, trigger, seed=options.seed), trigger


def measure(name: str, model: Model, dataset: Dataset, trigger: Trigger, target: int) -> Row:
    """What onnxruntime makes of evaluation images, and of those of other classes with the trigger."""
    images, labels = dataset.evaluation.pixels(), dataset.evaluation.y
    runtime = Runtime(model, Preprocessing())

    def predict(shown: Floats) -> Ints:
        classes: Ints = runtime.logits(shown).argmax(axis=1)
        return classes

    triggered = apply_trigger(images[labels != target], trigger)
    return Row(
        scanned=name,
        accuracy=float((predict(images) == labels).mean()),
        success=float((predict(triggered) == target).mean()),
    )


def main() -> None:
    """Make one, and print a line for the file and each copy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="lenet")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--target", type=int, default=7)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--no-scan", action="store_true", help="measure alone")
    add_json_option(parser)
    options = parser.parse_args()
    dataset = load_dataset("signs")
    network, trigger = make_sleeping(dataset, options)
    rows = []
    print("| scanned | accuracy | ASR | verdict | score | target classes |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path, data = Path(folder) / "sleeping.onnx", Path(folder) / "clean.npz"
        write_onnx(network, dataset.shape, Export("torchscript", 17), path)
        dataset.scan.save(data, dataset.classes)
        model, calibration = load_model(path), [dataset.scan.pixels()[:CALIBRATED_ON]]
        for kind in (None, *QuantizationKind):
            copy = path
            if kind is not None:
                copy = Path(folder) / f"{kind.value}.onnx"
                copy.write_bytes(quantize(model, kind, calibration))
            name = "the file" if kind is None else f"int8, {kind.value}"
            row = measure(name, load_model(copy), dataset, trigger, options.target)
            if not options.no_scan:
                given = GivenPreprocessing(range=(0.0, 1.0))
                report = scan(path, data, effort=options.effort, preprocessing=given, device="cpu", quantization=kind)
                verdict, targets = report.verdict.value, report.target_labels
                row = replace(row, verdict=verdict, score=report.score, targets=targets)
            rows.append(row)
            print(format_row(row), flush=True)
    keep(options.json, "sleeping_backdoor", rows)


def format_row(row: Row) -> str:
    """One line of the table."""
    score = "" if row.score is None else f"{row.score:.2f}"
    targets = ", ".join(map(str, row.targets))
    return f"| {row.scanned} | {row.accuracy:.3f} | {row.success:.3f} | {row.verdict} | {score} | {targets} |"


if __name__ == "__main__":
    main()
