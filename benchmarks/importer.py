"""How fast the PyTorch copy of an ONNX file is, next to the network that the file was exported from.

    python -m benchmarks.importer [--threads N] [--batch N] [--pairs N] [--network NAME ...]

Hand-written networks (`importer_networks.py`) with frozen weights are exported to a temporary folder and imported
again. Copy and original then take turns on the same images, each going first in every other pair: `forward` without
gradients, `gradient` forward and backward to the images. Printed are the median of the ratios of time (copy /
original; below one the copy is faster) with its 95 % interval from order statistics, the same for the forward pass
against onnxruntime on as many threads, and ratios of memory: what is stored (frozen weights with a batch normalisation
folded in are kept beside the file's own), and the most that one pass holds on top of that.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from benchmarks.importer_networks import NETWORKS, make_network, write_onnx
from benchmarks.memory import measure_peak, measure_stored
from benchmarks.pairs import Run, compare
from benchmarks.results import ResultRow, add_json_option, keep
from onnxaudit.importer import TorchModel, import_model
from onnxaudit.intake import load_model

LIMIT = 1.05


def run_forward(network: nn.Module, images: torch.Tensor) -> Run:
    """Logits without gradients."""

    def run() -> object:
        with torch.no_grad():
            return network(images)

    return run


def run_gradient(network: nn.Module, images: torch.Tensor) -> Run:
    """The gradient of the logits' sum with respect to the images."""
    leaf = images.clone().requires_grad_()

    def run() -> object:
        return torch.autograd.grad(network(leaf).sum(), leaf)

    return run


def start_session(path: Path, images: torch.Tensor, threads: int) -> Run:
    """The same forward pass in onnxruntime, with its own optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {"image": images.numpy()}
    return lambda: session.run(None, feeds)


def check(copy: TorchModel, network: nn.Module, images: torch.Tensor) -> None:
    """Both compute the same, or their times mean nothing."""
    with torch.no_grad():
        np.testing.assert_allclose(copy(images), network(images), rtol=1e-3, atol=1e-3)


def measure(name: str, folder: Path, options: argparse.Namespace) -> ResultRow:
    """One row of the table."""
    network, shape = make_network(name, options.seed)
    path = folder / "network.onnx"
    write_onnx(network, shape, path)
    copy = import_model(load_model(path))
    images = torch.rand(options.batch, *shape, generator=torch.Generator().manual_seed(options.seed))
    check(copy, network, images)
    forward = run_forward(copy, images), run_forward(network, images)
    gradient = run_gradient(copy, images), run_gradient(network, images)
    session = start_session(path, images, options.threads)
    return {
        "network": name,
        "forward": compare(*forward, options.pairs),
        "gradient": compare(*gradient, options.pairs),
        "forward / ORT": compare(forward[0], session, options.pairs),
        "stored": measure_stored(copy) / measure_stored(network),
        "forward, peak": measure_peak(forward[0]) / measure_peak(forward[1]),
        "gradient, peak": measure_peak(gradient[0]) / measure_peak(gradient[1]),
    }


def format_row(row: ResultRow) -> str:
    """One line of the table."""
    name, *cells = row.values()
    shown = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
    return f"{name:10}" + "".join(f" {cell:>18}" for cell in shown)


def add_timing_options(parser: argparse.ArgumentParser) -> None:
    """Options of benchmarks that time passes of hand-written networks in turn."""
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)


def main() -> None:
    """Measure each network, print a row each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_timing_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {options.threads} thread(s), "
          f"batch of {options.batch}, {options.pairs} pairs; ratios copy / original, limit {LIMIT}")  # fmt: skip
    columns = ("forward", "gradient", "forward / ORT", "stored", "forward, peak", "gradient, peak")
    print(f"{'network':10}" + "".join(f" {column:>18}" for column in columns))
    rows = []
    for name in options.network:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(name, Path(folder), options))
        print(format_row(rows[-1]), flush=True)
    keep(options.json, "importer", rows)


if __name__ == "__main__":
    main()
