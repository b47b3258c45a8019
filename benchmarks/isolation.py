"""What isolation costs: one command with the worker process and without, timed in turn; and what kills leave.

    python -m benchmarks.isolation [NAME] [--models DIR] [--pairs 5] [--kills 0]

`ratio` is the whole command's wall time with `--sandbox auto`, divided by that with `--sandbox none`: median of pairs
with a 95 % interval. With `--kills N` scans and repairs are killed N times at moments of chance, half of them by their
supervisor, half by their worker; each is followed by another run, after which nothing half done may be left.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.pairs import Ratio, summarize
from benchmarks.results import add_json_option, keep
from tools.ground_truth import GroundTruth
from tools.testbed.kills import Left, kill


@dataclass(frozen=True, kw_only=True)
class Row:
    """One command.

    Attributes:
        command: which.
        model: on which model.
        seconds: with isolation, median.
        ratio: to the same without.
    """

    command: str
    model: str
    seconds: float
    ratio: Ratio


def time_run(arguments: Sequence[str], sandbox: str) -> float:
    """Seconds of one run of the command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "onnxaudit", *arguments, "--sandbox", sandbox]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - this interpreter, our module
    return time.perf_counter() - start


def measure(arguments: Sequence[str], model: str, pairs: int) -> Row:
    """One command with and without, in turn."""
    times: dict[str, list[float]] = {"auto": [], "none": []}
    for pair in range(pairs):
        for sandbox in ("auto", "none") if pair % 2 else ("none", "auto"):
            times[sandbox].append(time_run(arguments, sandbox))
    ratios = [held / bare for held, bare in zip(times["auto"], times["none"], strict=True)]
    return Row(command=arguments[0], model=model, seconds=sorted(times["auto"])[pairs // 2], ratio=summarize(ratios))


def list_wrong(left: Left, last: Left, *, worker: bool) -> list[str]:
    """What a kill left, and the run behind it."""
    wrong = {
        f"{len(left.orphans)} processes": left.orphans,
        f"changed {left.changed}": left.changed,
        f"drafts {last.drafts}": last.drafts,
        f"exit code {last.code} behind it": last.code != 2,
        "a signal": worker and left.code < 0,
    }
    return [what for what, is_so in wrong.items() if is_so]


def count_kills(model: Path, data: Path, target: int, *, kills: int, longest: float, seed: int) -> int:
    """How many kills left a process, a changed input, or a draft behind the next run."""
    rng, faults = np.random.default_rng(seed), 0
    for number in range(kills):
        with tempfile.TemporaryDirectory() as name:
            folder, temporary = Path(name, "work"), Path(name, "tmp")
            folder.mkdir()
            temporary.mkdir()
            common = [str(model), "--data", str(data), "--json", "report.json", "--no-progress"]
            repair = ["repair", *common, "--output", "fixed.onnx", "--target", str(target)]
            run = repair if number % 4 > 1 else ["scan", *common]
            after, worker = float(rng.uniform(0.2, longest)), bool(number % 2)
            left = kill(run, folder, [model, data], after=after, worker=worker, temporary=temporary)
            following = ["repair", "none.onnx", "--data", str(data), "--output", "fixed.onnx"]
            last = kill(following, folder, [model, data], after=300, worker=False, temporary=temporary)
            wrong = list_wrong(left, last, worker=worker)
            faults += bool(wrong)
            whom = "worker" if worker else "supervisor"
            print(f"{number + 1}: {run[0]}, {whom}, {after:.1f} s: {left.code}, {', '.join(wrong) or 'clean'}")
    return faults


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="signs-lenet-weights")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the reference models")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--commands", nargs="+", choices=("inspect", "scan"), default=("inspect", "scan"))
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--longest", type=float, default=40.0, help="seconds before a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    truth = GroundTruth.load(options.models / f"{options.name}.json")
    model = (options.models / f"{options.name}.onnx").resolve()
    data = (options.models / "samples" / f"{truth.dataset}.npz").resolve()
    commands = {"inspect": ["inspect", str(model)], "scan": ["scan", str(model), "--data", str(data)]}
    rows = []
    for name in options.commands if options.pairs else ():
        rows.append(measure(commands[name], options.name, options.pairs))
        print(f"{rows[-1].command:8} {rows[-1].model:24} {rows[-1].seconds:7.2f} s  {rows[-1].ratio}", flush=True)
    if options.kills:
        faults = count_kills(
            model, data, truth.target or 0, kills=options.kills, longest=options.longest, seed=options.seed
        )
        print(f"{options.kills} kills, {faults} that left something")
    keep(options.json, "isolation", rows)


if __name__ == "__main__":
    main()
