"""What a trial prune costs next to a full onnxruntime run over the same samples, and how much memory it takes.

    python -m benchmarks.trials [NAME ...] [--models DIR] [--pairs 21]

The samples of a reference model are halved as a repair halves them; a trial is measured on one half, clean and stamped
with the true trigger. `alone` and `in a batch` are a trial's time, alone or as one of 64 that go through what follows
together, divided by the time that onnxruntime takes for the whole network on the same images: medians of pairs measured
in turn, with 95 % intervals. Both have one core. MiB: what the trials hold (cached activations and the copy of the
network) and what a batch takes beyond that, next to one full pass of the copy over the same samples. The last columns
are the whole loop with this trigger: rounds, seconds, neurons out.
"""

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.memory import measure_peak, measure_stored
from benchmarks.pairs import Ratio, compare
from benchmarks.results import add_json_option, keep
from onnxaudit.data.splits import split
from onnxaudit.data.triggers import load_trigger
from onnxaudit.importer import Classifier, import_model
from onnxaudit.mitigation.context import PruningContext
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.profiling import profile
from onnxaudit.mitigation.pruning import MOST_AHEAD, prune
from onnxaudit.mitigation.trials import Trials
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Samples, Trigger
from onnxaudit.surgery import find_target_layer
from tools.ground_truth import GroundTruth

NAMES = ("signs-lenet-weights", "signs-vgg-random", "signs-resnet-weights")
MIB = 2**20


@dataclass(frozen=True)
class Row:
    """One model's figures; memory in bytes.

    Attributes:
        neurons: of the target layer.
        images: clean and stamped ones that a trial is measured on.
        alone: time of one trial as a share of a full run.
        batched: the same of one of `MOST_AHEAD` trials.
        held: by the trials.
        peak: of a batch beyond that.
        full_peak: of a full pass of the copy over the same samples.
        rounds: of the whole loop.
        seconds: it took.
        pruned: neurons that it took out.
    """

    model: str
    neurons: int
    images: int
    alone: Ratio
    batched: Ratio
    held: int
    peak: int
    full_peak: int
    rounds: int
    seconds: float
    pruned: int


def list_groups(neurons: int, count: int) -> list[tuple[int, ...]]:
    """So many trials of one neuron each, in turn."""
    return [(number % neurons,) for number in range(count)]


def measure(folder: Path, name: str, pairs: int, seed: int) -> Row:
    """One reference model."""
    truth = GroundTruth.load(folder / f"{name}.json")
    assert truth.target is not None
    trigger = load_trigger(folder / f"{name}.trigger.npz")
    data = folder / "samples" / f"{truth.dataset}.npz"
    subject = open_subject(folder / f"{name}.onnx", data, seed=seed, device="cpu", on_event=lambda _: None)
    layer = find_target_layer(subject.model)
    fitting, validation = split(subject.samples, seed=seed)
    context = PruningContext(
        network=subject.runtime,
        profile=profile(subject.runtime, subject.model, layer, fitting, trigger),
        trigger=trigger,
        target=truth.target,
        fitting=fitting,
        validation=ReferenceSamples.of(subject.runtime, validation),
    )
    trials = Trials(context)
    images = _list_images(validation, trigger, truth.target)
    batch = list_groups(layer.neurons, MOST_AHEAD)

    def run_fully() -> object:
        return subject.runtime.logits(images)

    alone = compare(lambda: trials.measure(batch[:1]), run_fully, pairs)
    batched = compare(lambda: trials.measure(batch), run_fully, pairs)
    start = time.perf_counter()
    ranked = profile(subject.runtime, subject.model, layer, fitting, trigger)  # counts, as in a repair
    outcome = prune(replace(context, profile=ranked))
    seconds = time.perf_counter() - start
    return Row(
        model=name,
        neurons=layer.neurons,
        images=len(images),
        alone=alone,
        batched=Ratio(*(share / len(batch) for share in (batched.median, batched.low, batched.high))),
        held=measure_stored(trials),
        peak=measure_peak(lambda: trials.measure(batch)),
        full_peak=_measure_full_peak(subject, images),
        rounds=len(outcome.rounds),
        seconds=seconds,
        pruned=len(outcome.pruned),
    )


def _list_images(validation: Samples, trigger: Trigger, target: int) -> np.ndarray:
    assert validation.labels is not None
    return np.concatenate([validation.images, trigger.apply(validation.images[validation.labels != target])])


@torch.no_grad()
def _measure_full_peak(subject: Subject, images: np.ndarray) -> int:
    copy, pixels = Classifier(import_model(subject.model), subject.choice.preprocessing), torch.from_numpy(images)
    return measure_peak(lambda: copy(pixels))


def format_row(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.model:24} {row.neurons:7} {row.images:6} {_tell(row.alone):>26} {_tell(row.batched):>26} "
        f"{row.held / MIB:6.2f} {row.peak / MIB:6.2f} {row.full_peak / MIB:9.2f} "
        f"{row.rounds:6} {row.seconds:6.2f} {row.pruned:4}"
    )


def _tell(ratio: Ratio) -> str:
    return f"{ratio.median:.5f} [{ratio.low:.5f}, {ratio.high:.5f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(NAMES), help="backdoored reference models")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the reference models")
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(
        f"{'model':24} {'neurons':>7} {'images':>6} {'alone':>26} {'in a batch':>26} "
        f"{'held':>6} {'batch':>6} {'full pass':>9} {'rounds':>6} {'s':>6} {'out':>4}"
    )
    rows = []
    for name in options.names:
        rows.append(measure(options.models, name, options.pairs, options.seed))
        print(format_row(rows[-1]), flush=True)
    keep(options.json, "trials", rows)


if __name__ == "__main__":
    main()
