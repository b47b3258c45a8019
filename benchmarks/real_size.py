"""What a scan of a classifier of real size takes, stage by stage: the baseline for work on its cost.

    python -m benchmarks.real_size --time-budget 600
    python -m benchmarks.real_size --classes 43 --side 224 --seed 1

ResNet-18 with random weights on images of noise: time hardly depends on what a network has learned. With a budget the
detectors that were not reached are missing, and those that were stopped say so.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.importer_networks import ResidualBlock, write_onnx
from onnxaudit import scan
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, GivenPreprocessing, ScanReport

BLOCKS = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))  # widths and strides
IMAGES = 4  # a class


class Clock:
    """CPU seconds between events, by stage."""

    def __init__(self) -> None:
        """Starts now."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage, self._since = "load", time.process_time()

    def __call__(self, event: Event) -> None:
        """What went by since the last event belongs to the stage that spoke then."""
        now = time.process_time()
        self.seconds[self._stage] += now - self._since
        self._stage, self._since = event.stage, now


def make_resnet(classes: int) -> nn.Module:
    """ResNet-18 for large images."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    before, layers = 64, list[nn.Module](stem)
    for width, stride in BLOCKS:
        layers.append(ResidualBlock(before, width, stride))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def measure(classes: int, side: int, seed: int, time_budget: float | None) -> tuple[ScanReport, Clock]:
    """Scan one network on noise without labels."""
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng():
        torch.manual_seed(seed)
        model, data = Path(folder) / "resnet.onnx", Path(folder) / "noise.npz"
        write_onnx(make_resnet(classes).eval().requires_grad_(False), (3, side, side), model)
        images = np.random.default_rng(seed).integers(0, 256, (IMAGES * classes, 3, side, side), np.uint8)
        np.savez(data, x=images)
        clock = Clock()
        given = GivenPreprocessing(range=(0.0, 1.0))
        report = scan(
            model, data, preprocessing=given, seed=seed, device="cpu", time_budget=time_budget, on_event=clock
        )
        clock(Event("end", 0, 0))
    return report, clock


def main() -> None:
    """Print a line a stage and a line a detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=26)
    parser.add_argument("--side", type=int, default=224, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-budget", type=float, help="seconds; none: to the end")
    options = parser.parse_args()
    report, clock = measure(options.classes, options.side, options.seed, options.time_budget)
    config = DetectionConfig().fit_to(report.model.input)
    counted = {one.id: one.count_passes(options.classes) for one in config.make_detectors()}
    print("| stage | CPU s |\n|---|---|")
    for stage, seconds in clock.seconds.items():
        print(f"| {stage} | {seconds:.1f} |")
    print("\n| detector | labels | complete | passes | passes of all labels | CPU s |\n|---|---|---|---|---|---|")
    for run in report.detectors:
        name, passes = run.detector.id, counted[run.detector.id]
        print(f"| {name} | {run.labels} | {run.complete} | {run.passes} | {passes} | {run.cpu_seconds:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{sum(run.passes for run in report.detectors)} passes, {time.process_time():.0f} CPU s")
    print(f"{report.verdict.value} after {report.duration_seconds:.0f} s; peak {peak:.2f} GiB; {report.memory}")


if __name__ == "__main__":
    main()
