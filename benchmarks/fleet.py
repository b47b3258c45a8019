"""A folder of small models: one job, several jobs, and once more from the cache, in turn.

    python -m benchmarks.fleet [--models 20] [--jobs 2] [--bad 2]

The models are toys whose bytes differ; of every run the canonical report has to be the same. Some files are no models:
they have to be named among the failures, and change nothing about the others. `memory` is the most that the command and
all its workers held together (proportional set size, looked at twice a second).
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import onnx

from benchmarks.results import add_json_option, keep
from onnxaudit.records import ScanDocument
from onnxaudit.report.json import canonical, from_json
from tools.testbed.kills import list_descendants
from tools.testbed.planted import write_planted, write_samples

LOOK = 0.5  # seconds
MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run over the folder.

    Attributes:
        run: what was run.
        seconds: wall clock.
        speed: times the speed of one job.
        memory: MiB.
        same: whether the canonical report is that of one job.
        failures: models that could not be scanned.
    """

    run: str
    seconds: float
    speed: float
    memory: float
    same: bool
    failures: int


def write_models(folder: Path, count: int, bad: int) -> Path:
    """A folder of toys, clean and backdoored in turn, and of files that are none."""
    models = folder / "models"
    models.mkdir()
    for number in range(count - bad):
        path = write_planted(models, backdoored=bool(number % 2))
        model = onnx.load(path)
        model.doc_string = f"number {number}"
        path.unlink()
        onnx.save(model, models / f"{number:03d}.onnx")
    for number in range(bad):
        (models / f"bad-{number:03d}.onnx").write_bytes(bytes([number]) * 1000)
    return models


def measure_memory(pid: int) -> float:
    """MiB of a process and all that it started."""
    total = 0
    for one in (pid, *list_descendants(pid)):
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
    return total / MIB


def run(models: Path, data: Path, cache: Path, *options: str) -> tuple[float, float, ScanDocument]:
    """Seconds, memory, and what was found."""
    report = cache.with_suffix(".json")
    usual = ("--data", str(data), "--effort", "quick", "--cache-dir", str(cache), "-q", "--json", str(report))
    command = [sys.executable, "-m", "onnxaudit", "scan", str(models), *usual, *options]
    start, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
    while process.poll() is None:
        most = max(most, measure_memory(process.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
    document = from_json(report.read_bytes())
    assert isinstance(document, ScanDocument)
    return time.perf_counter() - start, most, document


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bad", type=int, default=2)
    add_json_option(parser)
    options = parser.parse_args()
    rows, expected = list[Row](), ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models, data = write_models(folder, options.models, options.bad), write_samples(folder)
        runs = (("one job", 1, "a"), (f"{options.jobs} jobs", options.jobs, "b"), ("again", options.jobs, "b"))
        for words, jobs, cache in runs:
            seconds, memory, document = run(models, data, folder / cache, "--jobs", str(jobs))
            expected = expected or canonical(document)
            speed = rows[0].seconds / seconds if rows else 1.0
            same, failures = canonical(document) == expected, len(document.failures)
            rows.append(Row(run=words, seconds=seconds, speed=speed, memory=memory, same=same, failures=failures))
            told = f"{words:8} {seconds:8.1f} s  {speed:5.2f} times  {memory:6.0f} MiB  "
            print(f"{told}{'same' if same else 'DIFFERENT'}, {failures} failures", flush=True)
    keep(options.json, "fleet", rows)


if __name__ == "__main__":
    main()
