"""What a scan of a classifier of real size takes, stage by stage: the baseline for work on its cost.

    python -m benchmarks.real_size --time-budget 600
    python -m benchmarks.real_size --classes 43 --side 224 --seed 1
    python -m benchmarks.real_size --body vgg16 --classes 4 --side 240 --images 125 --divide 8

Random weights: time hardly depends on what a network has learned. The last layer alone is fitted, so that pictures of
as many textures as there are classes have labels that fit. `--divide` makes a network of so many times fewer channels,
through which as many images go in a fraction of the time. With a budget detectors that were not reached are missing,
and those that were stopped say so.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.image_runs import RunCounter
from benchmarks.importer_networks import ResidualBlock, write_onnx
from onnxaudit import scan
from onnxaudit.pipeline.effort import count_passes
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, ScanReport

BLOCKS = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))  # widths and strides
VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # widths and convolutions
HIDDEN = 4096
FITTED = 16  # pictures a class to which the last layer is fitted, at most
NOISE = 0.1
RIDGE = 1e-2


def make_resnet(classes: int, side: int = 224, divide: int = 1) -> nn.Sequential:
    """ResNet-18 for large images, whichever side they have."""
    del side
    before = 64 // divide
    stem = [nn.Conv2d(3, before, 7, 2, 3, bias=False), nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
    layers: list[nn.Module] = [*stem, nn.MaxPool2d(3, 2, 1)]
    for width, stride in BLOCKS:
        layers.append(ResidualBlock(before, width // divide, stride))
        before = width // divide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def make_vgg(classes: int, side: int, divide: int) -> nn.Sequential:
    """VGG-16 with its three fully connected layers."""
    before, layers = 3, list[nn.Module]()
    for width, convolutions in VGG:
        for _ in range(convolutions):
            layers += [nn.Conv2d(before, width // divide, 3, 1, 1), nn.ReLU(inplace=True)]
            before = width // divide
        layers.append(nn.MaxPool2d(2))
    flat, hidden = before * (side // 2 ** len(VGG)) ** 2, HIDDEN // divide
    layers += [nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, hidden)]
    network = nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Linear(hidden, classes))
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):  # else nothing of the image arrives behind so many layers
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network


BODIES = {"resnet18": make_resnet, "vgg16": make_vgg}


def draw_pictures(classes: int, each: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(n, 3, side, side)` uint8 of waves in a color and direction for each class, with noise; and classes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    color, rows, columns = rng.random((classes, 3)), *rng.uniform(2, 30, (2, classes))
    across = np.linspace(0, 2 * np.pi, side)
    pictures = np.empty((len(labels), 3, side, side), np.uint8)
    for place, label in enumerate(labels):
        waves = np.sin(rows[label] * across[:, None] + columns[label] * across + rng.uniform(0, 2 * np.pi))
        picture = color[label][:, None, None] + 0.25 * waves + NOISE * rng.standard_normal((3, side, side))
        pictures[place] = (np.clip(picture, 0, 1) * 255).round()
    return pictures, labels


def fit_last_layer(network: nn.Sequential, pictures: np.ndarray, labels: np.ndarray) -> None:
    """By ridge regression on what comes before it."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    parts = [
        network[:-1](torch.from_numpy(part.astype(np.float32) / 255)) for part in np.split(pictures, len(pictures))
    ]
    features = torch.cat(parts)
    center, spread = features.mean(0), features.std(0) + 1e-6
    inputs = (features - center) / spread
    wanted = nn.functional.one_hot(torch.from_numpy(labels)).float() * 10
    kernel = inputs @ inputs.T / inputs.shape[1]
    dual: Tensor = torch.linalg.solve(kernel + RIDGE * torch.eye(len(kernel)), wanted - wanted.mean(0))
    weights = (inputs.T @ dual / inputs.shape[1]).T / spread
    last.weight.copy_(weights)
    last.bias.copy_(wanted.mean(0) - weights @ center)


def write(folder: Path, body: str, *, classes: int, side: int, each: int, divide: int, seed: int) -> tuple[Path, Path]:
    """A network and its pictures, as files."""
    model, data = folder / f"{body}.onnx", folder / "pictures.npz"
    pictures, labels = draw_pictures(classes, each, side, seed)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        network = BODIES[body](classes, side, divide).eval().requires_grad_(False)
        chosen = np.flatnonzero(np.arange(len(labels)) % each < FITTED)
        fit_last_layer(network, pictures[chosen], labels[chosen])
        write_onnx(network, (3, side, side), model)
    np.savez(data, x=pictures, y=labels)
    return model, data


def measure(model: Path, data: Path, seed: int, time_budget: float | None) -> tuple[ScanReport, RunCounter]:
    """Scan one network."""
    counter = RunCounter()
    with counter.counting():
        report = scan(model, data, seed=seed, device="cpu", time_budget=time_budget, on_event=counter)
    counter(Event("end", 0, 0))
    return report, counter


def main() -> None:
    """Print a line a stage and a line a detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", choices=sorted(BODIES), default="resnet18")
    parser.add_argument("--classes", type=int, default=26)
    parser.add_argument("--side", type=int, default=224, help="pixels")
    parser.add_argument("--images", type=int, default=4, help="of each class")
    parser.add_argument("--divide", type=int, default=1, help="channels by this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-budget", type=float, help="seconds; none: to the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, data = write(
            Path(folder),
            options.body,
            classes=options.classes,
            side=options.side,
            each=options.images,
            divide=options.divide,
            seed=options.seed,
        )
        estimated, begun = inspect(model).seconds, time.process_time()
        report, counter = measure(model, data, options.seed, options.time_budget)
        taken = time.process_time() - begun
    _print(report, counter, options.classes)
    print(f"\nestimated {estimated:.0f} CPU s, taken {taken:.0f}; {report.duration_seconds:.0f} s on the clock")


def _print(report: ScanReport, counter: RunCounter, classes: int) -> None:
    print("| stage | CPU s | onnxruntime | copy, forward | copy, forward and backward |\n|---|---|---|---|---|")
    for stage, runs in counter.stages.items():
        print(f"| {stage} | {runs.seconds:.1f} | {runs.runtime} | {runs.copied} | {runs.passes} |")
    print("\n| detector | labels | complete | passes | CPU s |\n|---|---|---|---|---|")
    for run in report.detectors:
        print(f"| {run.detector.id} | {run.labels} | {run.complete} | {run.passes} | {run.cpu_seconds:.1f} |")
    counted = count_passes(classes, DetectionConfig().fit_to(report.model.input))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{sum(run.passes for run in report.detectors)} passes of {counted} counted before; peak {peak:.2f} GiB")
    print(f"{report.verdict.value}: {', '.join(reason.code for reason in report.caveats)}; {report.memory}")


if __name__ == "__main__":
    main()
