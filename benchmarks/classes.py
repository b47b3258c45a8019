"""What a scan costs as the number of classes grows.

    python -m benchmarks.classes [--classes 10 43 100 300 1000] [--threads 2]

One small VGG of 32x32 color images with seeded random weights, a last layer for each number of classes, and two
images of noise for each class, 512 at most: what is measured is effort, not a verdict. Printed are the seconds of a
scan, its processor seconds (of all threads; other programs on the same cores hardly change them), image passes of
the inversions, how many labels got more than the cheap looks, and the exponent with which seconds grow from the
line before (1: as fast as the number of classes).

The baselines are extrapolated from costs measured in the same run on the same copy: `every label`, the scan's first
inversion for all labels and nothing else, from 64 of them (all where there are fewer); `published`, the schedule of
`neural_cleanse` without its early stop for all labels, from the seconds of its image passes. Beside each stands how
many times as long as the scan it takes. The last lines say how many times as long as for 43 classes the scan and the
baselines take.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.importer_networks import write_onnx
from benchmarks.neural_cleanse import Schedule, search
from benchmarks.results import add_json_option, keep
from benchmarks.stopwatch import Spent, Stopwatch
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.inversion.patch import invert
from onnxaudit.pipeline.detection import detect
from onnxaudit.records import LabelStatus, Preprocessing, Samples
from onnxaudit.surgery import find_features
from tools.networks import make_vgg

SHAPE = (3, 32, 32)
MOST_SAMPLES = 512
SAMPLED_LABELS = 64  # of which the cost of inverting every label is told
REFERENCE = 43  # classes that the others are compared with


@dataclass(frozen=True)
class Row:
    """One scan and its baselines.

    Attributes:
        classes: of the model.
        scan: what the scan took.
        passes: image passes of its inversions.
        inverted: labels that got more than the cheap looks.
        every: the first inversion of every label, extrapolated.
        published: the published schedule for every label, extrapolated.
    """

    classes: int
    scan: Spent
    passes: int
    inverted: int
    every: Spent
    published: Spent


def measure(classes: int, folder: Path, seed: int) -> Row:
    """Scan a model of so many classes."""
    torch.manual_seed(seed)
    path = folder / f"{classes}.onnx"
    write_onnx(make_vgg(SHAPE[0], SHAPE[1], classes).eval(), SHAPE, path)
    model = load_model(path)
    classifier = Classifier(import_model(model), Preprocessing())
    samples = _draw_samples(classes, seed)
    watch = Stopwatch()
    found = detect(classifier, samples, features=find_features(model), seed=seed)
    spent = watch.read()
    inverted = sum(row.status is not LabelStatus.SCREENED for row in found.labels)
    passes = sum(row.passes for row in found.labels)
    every = _time_label(classifier, samples, classes, seed).scale(classes)
    published = _time_pass(classifier, samples, seed).scale(Schedule().passes * classes)
    return Row(classes, spent, passes, inverted, every, published)


def _time_label(classifier: Classifier, samples: Samples, classes: int, seed: int) -> Spent:
    """One label's share of the first inversion of many at once."""
    labels = range(min(classes, SAMPLED_LABELS))
    watch = Stopwatch()
    invert(classifier, samples, labels, PatchConfig().screening, seed=seed)
    return watch.read().scale(1 / len(labels))


def _time_pass(classifier: Classifier, samples: Samples, seed: int) -> Spent:
    """One image pass of the published schedule."""
    course = search(classifier, samples.images, 0, Schedule(), steps=2, seed=seed)
    return course.spent.scale(1 / course.passes)


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
    add_json_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'classes':>8} {'seconds':>8} {'processor':>9} {'passes':>9} {'inverted':>9} {'s a class':>10} "
          f"{'exponent':>9} | {'every label':>12} {'ratio':>6} | {'published':>10} {'ratio':>6}")  # fmt: skip
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for classes in options.classes:
            rows.append(measure(classes, Path(folder), options.seed))
            print(_format(rows[-1], rows[-2] if len(rows) > 1 else None), flush=True)
    print("\n".join(list_growth(rows)))
    keep(options.json, "classes", rows)


def _format(row: Row, before: Row | None) -> str:
    growth = "" if before is None else f"{_exponent(before, row):.2f}"
    seconds, classes = row.scan.seconds, row.classes
    start = f"{classes:8} {seconds:8.1f} {row.scan.processor:9.1f} {row.passes:9} {row.inverted:9}"
    every = f"{row.every.seconds:10.1f} s {row.every.seconds / seconds:6.1f}"
    published = f"{row.published.seconds / 3600:8.1f} h {row.published.seconds / seconds:6.0f}"
    return f"{start} {seconds / classes:10.3f} {growth:>9} | {every} | {published}"


def list_growth(rows: Sequence[Row], reference: int = REFERENCE) -> list[str]:
    """One line for each of the other numbers of classes; none if `reference` was not measured."""
    first = next((row for row in rows if row.classes == reference), None)
    if first is None:
        return []
    return [
        f"{row.classes} classes, times {reference}: seconds {row.scan.seconds / first.scan.seconds:.2f}, "
        f"processor {row.scan.processor / first.scan.processor:.2f}; "
        f"every label {row.every.seconds / first.every.seconds:.2f}, "
        f"published {row.published.seconds / first.published.seconds:.2f}"
        for row in rows
        if row is not first
    ]


def _exponent(before: Row, after: Row) -> float:
    return math.log(after.scan.seconds / before.scan.seconds) / math.log(after.classes / before.classes)


if __name__ == "__main__":
    main()
