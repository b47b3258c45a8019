"""What a scan costs as the number of classes grows.

    python -m benchmarks.classes [--classes 10 43 100 300 1000] [--threads 2]

One small VGG of 32x32 colour images with seeded random weights, a last layer for each number of classes, and two images
of noise for each class, 512 at most: what is measured is effort, not a verdict. Printed are seconds, image
passes of the inversions, both also for each class, and how many labels got more than the cheap looks; last the
exponent with which seconds grow between neighbouring lines (1: as fast as the number of classes).
"""

import argparse
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.importer_networks import write_onnx
from onnxaudit.detection import detect
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.records import LabelStatus, Preprocessing, Samples
from onnxaudit.surgery import find_features
from tools.networks import make_vgg

SHAPE = (3, 32, 32)
MOST_SAMPLES = 512


@dataclass(frozen=True)
class Row:
    """One scan."""

    classes: int
    seconds: float
    passes: int
    inverted: int


def measure(classes: int, folder: Path, seed: int) -> Row:
    """Scan a model of so many classes."""
    torch.manual_seed(seed)
    path = folder / f"{classes}.onnx"
    write_onnx(make_vgg(SHAPE[0], SHAPE[1], classes).eval(), SHAPE, path)
    model = load_model(path)
    classifier = Classifier(import_model(model), Preprocessing())
    started = time.perf_counter()
    found = detect(classifier, _draw_samples(classes, seed), features=find_features(model), seed=seed)
    seconds = time.perf_counter() - started
    inverted = sum(row.status is not LabelStatus.SCREENED for row in found.labels)
    return Row(classes, seconds, sum(row.passes for row in found.labels), inverted)


def _draw_samples(classes: int, seed: int) -> Samples:
    """Noise, labelled in turn: two samples a class, at most `MOST_SAMPLES`."""
    count = min(2 * classes, MOST_SAMPLES)
    images = np.random.default_rng(seed).random((count, *SHAPE), dtype=np.float32)
    return Samples(images, np.arange(count, dtype=np.int64) % classes, "noise")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, nargs="+", default=[10, 43, 100, 300, 1000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'classes':>8} {'seconds':>8} {'passes':>9} {'inverted':>9} {'s a class':>10} {'exponent':>9}")
    before: Row | None = None
    with tempfile.TemporaryDirectory() as folder:
        for classes in options.classes:
            row = measure(classes, Path(folder), options.seed)
            growth = "" if before is None else f"{_exponent(before, row):9.2f}"
            each = row.seconds / row.classes
            print(f"{classes:8} {row.seconds:8.1f} {row.passes:9} {row.inverted:9} {each:10.3f} {growth}", flush=True)
            before = row


def _exponent(before: Row, after: Row) -> float:
    return math.log(after.seconds / before.seconds) / math.log(after.classes / before.classes)


if __name__ == "__main__":
    main()
