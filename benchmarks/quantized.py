"""What a pass through the PyTorch copy costs after onnxruntime quantized the file, next to the float file's.

    python -m benchmarks.quantized [--threads N] [--batch N] [--pairs N] [--network NAME ...]

Hand-written networks (`importer_networks.py`) are quantized as `scan --quantize int8` does: static (QDQ, calibrated on
the images that are run) and dynamic. Float and quantized copy then take turns on the same images, each going first in
every other pair: `forward` without gradients, `gradient` forward and backward to the images. Printed are seconds of one
pass of the float copy, and the median of the ratios of time (quantized / float) with its 95 % interval from order
statistics; and how many of the images the quantized copy puts into the class that onnxruntime puts them into.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.importer import add_timing_options, run_forward, run_gradient
from benchmarks.importer_networks import make_network, write_onnx
from benchmarks.pairs import compare
from benchmarks.results import ResultRow, keep
from onnxaudit.importer import TorchModel, import_model
from onnxaudit.intake import Model, load_model
from onnxaudit.quantization import quantize
from onnxaudit.records import Preprocessing, QuantizationKind
from onnxaudit.runtime import Runtime

LIMIT = 1.2


def count_agreement(copy: TorchModel, model: Model, images: torch.Tensor) -> float:
    """The share of images for which copy and onnxruntime predict the same class."""
    theirs = Runtime(model, Preprocessing()).logits(images.numpy()).argmax(axis=1)
    with torch.no_grad():
        ours = copy(images).argmax(dim=1).numpy()
    return float((ours == theirs).mean())


def measure(name: str, folder: Path, options: argparse.Namespace) -> list[ResultRow]:
    """Rows of the table: static and dynamic."""
    network, shape = make_network(name, options.seed)
    path = folder / "network.onnx"
    write_onnx(network, shape, path)
    model = load_model(path)
    original = import_model(model)
    images = torch.rand(options.batch, *shape, generator=torch.Generator().manual_seed(options.seed))
    rows: list[ResultRow] = []
    for kind in QuantizationKind:
        file = folder / f"{kind.value}.onnx"
        file.write_bytes(quantize(model, kind, [images.numpy()]))
        quantized = load_model(file)
        copy = import_model(quantized)
        row: ResultRow = {"network": name, "quantized": kind.value}
        for label, run in (("forward", run_forward), ("gradient", run_gradient)):
            ours, theirs = run(copy, images), run(original, images)
            ratio = compare(ours, theirs, options.pairs)
            start = time.perf_counter()
            theirs()
            row |= {f"{label}, float s": time.perf_counter() - start, label: ratio}
        rows.append({**row, "agreement": count_agreement(copy, quantized, images)})
    return rows


def format_row(row: ResultRow) -> str:
    """One line of the table."""
    name, kind, *cells = row.values()
    shown = (f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells)
    return f"{name:10} {kind:10}" + "".join(f" {cell:>18}" for cell in shown)


def main() -> None:
    """Measure each network, print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_timing_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} thread(s), batch of {options.batch}, {options.pairs} pairs; ratios quantized / float, "
          f"limit {LIMIT}")  # fmt: skip
    columns = ("forward, float s", "forward", "gradient, float s", "gradient", "agreement")
    print(f"{'network':10} {'quantized':10}" + "".join(f" {column:>18}" for column in columns))
    rows: list[ResultRow] = []
    for name in options.network:
        with tempfile.TemporaryDirectory() as folder:
            made = measure(name, Path(folder), options)
        print("\n".join(map(format_row, made)), flush=True)
        rows += made
    keep(options.json, "quantized", rows)


if __name__ == "__main__":
    main()
