"""The estimate of a scan against what the scan takes, in CPU seconds, both measured in the same process.

    python -m benchmarks.estimate models/signs-lenet-weights.onnx --data models/samples/signs.npz
    python -m benchmarks.estimate FOLDER/*.onnx --data PREFIX=FILE.npz --data PREFIX=FOLDER

A model is scanned on the samples of the longest prefix that its file name begins with. Beside the ratio stand the
passes that the estimate counts and those that were made.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from onnxaudit import scan
from onnxaudit.pipeline.effort import START, count_passes
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.settings import DetectionConfig


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model: CPU seconds estimated and taken, and image passes counted before and made."""

    name: str
    estimated: float
    taken: float
    counted: int
    made: int

    @property
    def ratio(self) -> float:
        """How many times too high the estimate is; libraries are imported before either."""
        return self.estimated / (self.taken + START / 2)


def measure(model: Path, data: Path, seed: int) -> Row:
    """Estimate and scan one model."""
    found = inspect(model)
    assert found.seconds is not None
    assert found.model is not None
    begun = time.process_time()
    report = scan(model, data, seed=seed, device="cpu")
    return Row(
        name=model.stem,
        estimated=found.seconds,
        taken=time.process_time() - begun,
        counted=count_passes(found.model.output.classes, DetectionConfig().fit_to(found.model.input)),
        made=sum(run.passes for run in report.detectors),
    )


def find_data(model: Path, given: list[str]) -> Path:
    """The samples whose prefix the file name begins with; samples without a prefix fit all."""
    named = [text.partition("=") for text in given]
    fitting = {prefix: path for prefix, equals, path in named if equals and model.name.startswith(prefix)}
    if fitting:
        return Path(fitting[max(fitting, key=len)])
    return Path(next(prefix for prefix, equals, _ in named if not equals))


def main() -> None:
    """Print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--data", action="append", required=True, metavar="[PREFIX=]PATH")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| model | estimated s | taken s | ratio | passes counted | made |\n|---|---|---|---|---|---|", flush=True)
    for model in options.models:
        row = measure(model, find_data(model, options.data), options.seed)
        print(
            f"| {row.name} | {row.estimated:.1f} | {row.taken:.1f} | {row.ratio:.2f} | {row.counted} | {row.made} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
