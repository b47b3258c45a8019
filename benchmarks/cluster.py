"""Scans of a folder on Ray, one and two machines of one core each, beside one core without it; in turn.

    python -m benchmarks.cluster [--models 8] [--rounds 3] [--json FILE]
    python -m benchmarks.cluster --model fashion-vgg-clean

The machines are processes on this one, so that two need two cores; the cluster stands before the clock starts, its
workers do not. Of every run the canonical report has to be the same. The median over rounds counts: others may use the
cores. Processor seconds are those of all processes, the cluster's own among them; where cores are busy they tell more.
With `--model` it is one of the reference models alone, at the usual effort, whose parts both machines do; what the scan
that counts computed itself tells more there than the clock.
"""

import argparse
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import run, write_models
from benchmarks.processor_time import ProcessorTime
from benchmarks.results import add_json_option, keep
from onnxaudit.report.json import canonical
from tools.ground_truth import GroundTruth
from tools.testbed.planted import write_samples
from tools.testbed.ray_cluster import add_machine, open_cluster

MODELS = Path(__file__).parents[1] / "models"
ALONE, ONE, TWO = "without Ray", "one machine", "two machines"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to scan the folder.

    Attributes:
        way: which.
        seconds: of each round.
        processor: processor seconds, likewise.
        detecting: of these, those that detectors took in the scans whose reports count, likewise.
        same: whether all canonical reports are those of the first run.
    """

    way: str
    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    detecting: tuple[float, ...]
    same: bool


def measure(scanned: Path, data: Path, rounds: int, folder: Path, *usual: str) -> list[Row]:
    """All ways in turn, as often as there are rounds; `usual` are options of all of them."""
    seconds: dict[str, list[tuple[float, float, float]]] = {ALONE: [], ONE: [], TWO: []}
    reports: dict[str, set[str]] = {way: set() for way in seconds}

    def go(way: str, *options: str) -> None:
        cache = folder / f"{len(seconds[way])}-{way.replace(' ', '-')}"
        with ProcessorTime() as used:
            taken, _, document = run(scanned, data, cache, *usual, *options)
        detecting = sum(one.cpu_seconds for report in document.reports for one in report.detectors)
        seconds[way].append((taken, used.seconds, detecting))
        reports[way].add(canonical(document))
        told = f"{way:12} {taken:7.1f} s, {used.seconds:7.1f} of processors"
        print(f"{told}, {detecting:7.1f} in detectors of the scans that count", flush=True)

    os.environ["OMP_NUM_THREADS"] = "1"
    with open_cluster() as cluster:
        spread = ("--engine", "ray", "--address", cluster.address)
        add_machine(cluster)
        for _ in range(rounds):
            go(ALONE, "--jobs", "1")
            go(ONE, *spread)
            second = add_machine(cluster)
            go(TWO, *spread)
            cluster.remove_node(second)
    expected = next(iter(reports[ALONE]))
    return [
        Row(
            way=way,
            seconds=tuple(taken for taken, _, _ in found),
            processor=tuple(used for _, used, _ in found),
            detecting=tuple(detecting for _, _, detecting in found),
            same=reports[way] == {expected},
        )
        for way, found in seconds.items()
    ]


def find_reference(name: str) -> tuple[Path, Path]:
    """A reference model and its clean samples."""
    truth = GroundTruth.load(MODELS / f"{name}.json")
    return MODELS / f"{name}.onnx", MODELS / "samples" / f"{truth.dataset}.npz"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--model", help="name of a reference model")
    parser.add_argument("--rounds", type=int, default=3)
    add_json_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.model is None:
            rows = measure(write_models(folder, options.models, 0), write_samples(folder), options.rounds, folder)
        else:
            rows = measure(*find_reference(options.model), options.rounds, folder, "--effort", "standard")
    middle = {row.way: statistics.median(row.seconds) for row in rows}
    used = {row.way: statistics.median(row.processor) for row in rows}
    print(f"overhead of Ray {100 * (middle[ONE] / middle[ALONE] - 1):.0f} %, ", end="")
    print(f"of processor time {100 * (used[ONE] / used[ALONE] - 1):.0f} %, ", end="")
    detecting = {row.way: statistics.median(row.detecting) for row in rows}
    print(f"detectors of the scans that count {detecting[ONE] / detecting[TWO]:.2f} times as fast on two, ", end="")
    print(f"two machines {middle[ONE] / middle[TWO]:.2f} times as fast as one, ", end="")
    print("the same" if all(row.same for row in rows) else "DIFFERENT")
    keep(options.json, "cluster", rows)


if __name__ == "__main__":
    main()
