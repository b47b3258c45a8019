"""What a GPU finds and how fast, beside the CPU: one script for a machine that is at hand for minutes.

    python -m benchmarks.gpu [--device cuda] [--seconds 420] [--json gpu.json]
    python -m benchmarks.gpu --device cpu --smoke

Three things, each within its share of `--seconds`. Agreement: a reference model is scanned on the CPU and on the
device; the ratios of all detectors are compared, and the verdicts. Scans: networks with random weights on noise, of the
size of a traffic sign classifier, of ResNet-18 and of ResNet-50 with 1,000 classes; passes (an image forward and
backward) a second, as far as the time goes. Bare steps: images a second forward and backward, and their share of the
peak that the card's maker names for float32 without tensor cores. `--smoke` takes tiny networks and seconds, to try the
script itself.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import onnxaudit
from benchmarks.importer_networks import make_lenet, write_onnx
from benchmarks.real_size import make_resnet
from benchmarks.results import add_json_option, keep
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.records import GivenPreprocessing, Preprocessing, ScanReport

MODELS = Path(__file__).parents[1] / "models"
UNIT = GivenPreprocessing(range=(0.0, 1.0))
SHARES = {"agreement": 0.25, "signs": 0.1, "ResNet-18": 0.2, "ResNet-50": 0.35}  # of the seconds; the rest: bare steps
PEAKS = {  # TFLOP/s in float32 without tensor cores, by a part of the card's name
    "H200": 67.0,
    "H100": 67.0,
    "A100": 19.5,
    "L40S": 91.6,
    "L4": 30.3,
    "T4": 8.1,
    "V100": 15.7,
    "4090": 82.6,
}
BOTTLENECKS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # widths, blocks, strides


class Bottleneck(nn.Module):
    """Three normalized convolutions, the inner one of a quarter of the channels, and a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.BatchNorm2d(4 * width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if (before, stride) != (4 * width, 1):
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """`(n, c, h, w)` to `(n, 4 * width, h / stride, w / stride)`."""
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def make_resnet50(classes: int) -> nn.Module:
    """ResNet-50 for large images."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    before = 64
    for width, blocks, stride in BOTTLENECKS:
        for number in range(blocks):
            layers.append(Bottleneck(before, width, stride if number == 0 else 1))
            before = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def make_signs(classes: int) -> nn.Module:
    """A small network for traffic signs of 32 pixels."""
    layers: list[nn.Module] = []
    for before, width in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, classes))


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that is scanned on noise.

    Attributes:
        name: of it.
        make: it, with so many classes.
        classes: how many.
        shape: of an image, `(c, h, w)`.
        batch: images in a bare step.
    """

    name: str
    make: Callable[[int], nn.Module]
    classes: int
    shape: tuple[int, int, int]
    batch: int


NETWORKS = (
    Network(name="signs", make=make_signs, classes=43, shape=(3, 32, 32), batch=1024),
    Network(name="ResNet-18", make=make_resnet, classes=43, shape=(3, 224, 224), batch=128),
    Network(name="ResNet-50", make=make_resnet50, classes=1000, shape=(3, 224, 224), batch=64),
)
TINY = (Network(name="signs", make=lambda _: make_lenet(), classes=10, shape=(1, 28, 28), batch=8),)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A model on two devices.

    Attributes:
        model: its name.
        device: beside the CPU.
        verdicts: on the CPU, and on the device.
        scores: likewise.
        largest: relative difference of a label's ratio by any detector, and the median one.
        median: likewise.
        seconds: on the CPU, and on the device.
    """

    model: str
    device: str
    verdicts: tuple[str, str]
    scores: tuple[float, float]
    largest: float
    median: float
    seconds: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A scan on the device, as far as the time went.

    Attributes:
        network: its name.
        device: that did it.
        seconds: in all.
        passes: images forward and backward.
        passes_per_second: likewise.
        complete: whether all detectors came to their end.
        memory: GiB of the device at most; 0 for the CPU.
    """

    network: str
    device: str
    seconds: float
    passes: int
    passes_per_second: float
    complete: bool
    memory: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """The copy of a network forward and backward, without a detector.

    Attributes:
        network: its name.
        device: that did it.
        images_per_second: in batches.
        teraflops: that this makes a second.
        share: of the card's peak in float32; None where that is not known.
    """

    network: str
    device: str
    images_per_second: float
    teraflops: float
    share: float | None


def compare(device: str, *, budget: float, detectors: tuple[str, ...] | None = None) -> Agreement:
    """Scan a reference model on both devices.

    Args:
        device: beside the CPU.
        budget: seconds for each scan.
        detectors: that run; None: all.
    """
    model, data = MODELS / "signs-lenet-weights.onnx", MODELS / "samples" / "signs.npz"
    scans = [
        onnxaudit.scan(model, data, effort="quick", device=one, time_budget=budget, detectors=detectors)
        for one in ("cpu", device)
    ]
    gaps = list_gaps(*scans)
    return Agreement(
        model=model.stem,
        device=device,
        verdicts=(scans[0].verdict.value, scans[1].verdict.value),
        scores=(scans[0].score, scans[1].score),
        largest=max(gaps, default=0.0),
        median=float(np.median(gaps)) if gaps else 0.0,
        seconds=(scans[0].duration_seconds, scans[1].duration_seconds),
    )


def list_gaps(first: ScanReport, second: ScanReport) -> list[float]:
    """Relative differences of the ratios of all labels that both measured."""
    rows = {row.label: row.ratios for row in second.labels}
    return [
        abs(ratio - rows[row.label][detector]) / max(abs(ratio), 1e-9)
        for row in first.labels
        for detector, ratio in row.ratios.items()
        if ratio is not None and rows.get(row.label, {}).get(detector) is not None
    ]


def write(network: Network, folder: Path) -> tuple[Path, Path]:
    """The network with random weights, and noise for it."""
    model, data = folder / f"{network.name}.onnx", folder / f"{network.name}.npz"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        write_onnx(network.make(network.classes).eval().requires_grad_(False), network.shape, model)
    count = max(256, network.classes)
    np.savez(data, x=np.random.default_rng(0).integers(0, 256, (count, *network.shape), np.uint8))
    return model, data


def scan(network: Network, model: Path, data: Path, device: str, budget: float) -> Scan:
    """Scan as far as the time goes."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    report = onnxaudit.scan(model, data, preprocessing=UNIT, effort="quick", device=device, time_budget=budget)
    passes = sum(run.passes for run in report.detectors)
    return Scan(
        network=network.name,
        device=device,
        seconds=report.duration_seconds,
        passes=passes,
        passes_per_second=passes / max(report.duration_seconds, 1e-9),
        complete=bool(report.detectors) and all(run.complete for run in report.detectors),
        memory=torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else 0.0,
    )


def step(network: Network, model: Path, device: str, seconds: float) -> Step:
    """Forward and backward again and again."""
    place = torch.device(device)
    classifier = Classifier(import_model(load_model(model), device), Preprocessing())
    images = torch.rand(network.batch, *network.shape, device=place).to(memory_format=torch.channels_last)

    def go() -> None:
        given = images.detach().requires_grad_(True)
        classifier(given).sum().backward()

    with FlopCounterMode(display=False) as counter:
        go()
    wait(device)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        go()
        wait(device)
        count += 1
    taken = time.perf_counter() - start
    teraflops = counter.get_total_flops() * count / taken / 1e12
    peak = find_peak(torch.cuda.get_device_name()) if device == "cuda" else None
    return Step(
        network=network.name,
        device=device,
        images_per_second=count * network.batch / taken,
        teraflops=teraflops,
        share=None if peak is None else teraflops / peak,
    )


def wait(device: str) -> None:
    """Until the device has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def find_peak(name: str) -> float | None:
    """TFLOP/s of a card in float32; None for one that is not known."""
    return next((peak for part, peak in PEAKS.items() if part in name), None)


def measure(device: str, seconds: float, *, smoke: bool) -> list[Agreement | Scan | Step]:
    """All rows, each told as soon as it is there."""
    rows: list[Agreement | Scan | Step] = []

    def tell(row: Agreement | Scan | Step) -> None:
        rows.append(row)
        print(row, flush=True)

    tell(compare(device, budget=SHARES["agreement"] * seconds / 2, detectors=("exact-shift",) if smoke else None))
    networks = TINY if smoke else NETWORKS
    rest = (1 - sum(SHARES.values())) * seconds / len(networks)
    with tempfile.TemporaryDirectory() as folder:
        for network in networks:
            model, data = write(network, Path(folder))
            tell(scan(network, model, data, device, SHARES[network.name] * seconds))
            tell(step(network, model, device, rest))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=420.0, help="for all of it, roughly")
    parser.add_argument("--smoke", action="store_true", help="tiny networks and few seconds")
    add_json_option(parser)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "PyTorch finds no CUDA device here; --device cpu --smoke tries the script\n")
    print(torch.cuda.get_device_name() if options.device == "cuda" else "CPU", flush=True)
    keep(options.json, "gpu", measure(options.device, 40.0 if options.smoke else options.seconds, smoke=options.smoke))


if __name__ == "__main__":
    main()
