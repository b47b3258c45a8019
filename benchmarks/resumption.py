"""Kill scans and repairs again and again, let them go on, and compare what comes of them with an uninterrupted run.

    python -m benchmarks.resumption [NAME] [--models DIR] [--kills 200] [--seed 0] [--json FILE]
        [--faulty FOLDER]

Each round has a cache of its own. The command is killed (SIGKILL) at moments of chance, every second time by its
supervisor, else by its worker, up to three times, and then left to its end. Counted as faults: a canonical report that
differs, an entry under its final name that is not whole, a draft that stays, a unit that was kept and is computed
again. Without NAME the models are two toys, which are scanned together in every third round. Rows are kept after each
round, and the folder of a round with a fault is copied to where `--faulty` says.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.results import add_json_option, keep
from onnxaudit.cache.entry import unseal
from onnxaudit.cache.folder import LAYOUT
from onnxaudit.report.json import canonical, from_json
from tools.ground_truth import GroundTruth
from tools.testbed.kills import kill
from tools.testbed.planted import TARGET, write_planted, write_samples

MOST = 3  # kills in a round
NEVER = 3600.0  # seconds
SHORTEST = 2.0  # seconds: of the latest moments of a kill
LATER = 1.5  # times: how much later they come once a round of kills came before all that is kept
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One round.

    Attributes:
        command: scan or repair.
        kills: how many hit.
        units: that were kept when the last kill came.
        seconds: of the run that went on.
        faults: what was wrong.
    """

    command: str
    kills: int
    units: int
    seconds: float
    faults: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is run, on what, and what comes of it without a kill.

    Attributes:
        words: of the command line.
        inputs: files that it reads.
        expected: its canonical report.
        longest: seconds before a kill, at most; the one entry follows what else the machine does.
    """

    words: tuple[str, ...]
    inputs: tuple[Path, ...]
    expected: str
    longest: list[float]


def prepare(words: tuple[str, ...], inputs: tuple[Path, ...]) -> Command:
    """A command with its uninterrupted outcome, without any cache."""
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        found = run([*words, "--no-cache"], Path(name), inputs, after=NEVER, worker=False)
        assert found is not None, "the uninterrupted run left no report"
        return Command(words=words, inputs=inputs, expected=found, longest=[time.perf_counter() - start])


def run(words: Sequence[str], root: Path, inputs: Sequence[Path], *, after: float, worker: bool) -> str | None:
    """The canonical report of a run that is killed after some seconds, if it came to its end before."""
    folder, temporary = root / "work", root / "tmp"
    for one in (folder, temporary):
        one.mkdir(exist_ok=True)
    (folder / REPORT).unlink(missing_ok=True)
    left = kill(list(words), folder, inputs, after=after, worker=worker, temporary=temporary)
    content = left.documents.get(REPORT, b"")
    return canonical(from_json(content)) if b'"reports"' in content and left.code != -9 else None


def describe(file: Path) -> str:
    """What kept a report from being whole, in its own words: failures, and codes of what is missing."""
    if not file.exists():
        return "none"
    document = json.loads(file.read_bytes())
    failures = [one["error"] for one in document.get("failures", ())]
    caveats = [one["code"] for report in document.get("reports", ()) for one in report.get("caveats", ())]
    return "; ".join([*failures, *caveats, *filter(None, [document.get("error")])])


def list_units(root: Path) -> dict[Path, int]:
    """Every entry of the cache, and which file it is: one that is written again is another."""
    files = [path for path in (root / "cache" / LAYOUT).rglob("*") if path.is_file()]
    return {path: path.stat().st_ino for path in files if not path.name.startswith(".")}


def play(command: Command, rng: np.random.Generator, faulty: Path | None, *, worker: bool) -> Row:
    """One round; later kills come earlier where an attempt came to its end before, and later where nothing was kept."""
    with tempfile.TemporaryDirectory() as name:
        root, kills = Path(name), 0
        words = [*command.words, "--cache-dir", str(root / "cache")]
        for _ in range(MOST):
            after, start = float(rng.uniform(0.2, command.longest[0])), time.perf_counter()
            if run(words, root, command.inputs, after=after, worker=worker) == command.expected:
                command.longest[0] = min(command.longest[0], max(SHORTEST, time.perf_counter() - start))
                break
            kills += 1
        before, start = list_units(root), time.perf_counter()
        if kills == MOST and not before:
            command.longest[0] *= LATER
        (root / "work" / "fixed.onnx").unlink(missing_ok=True)
        found = run(words, root, command.inputs, after=NEVER, worker=False)
        seconds, after_units = time.perf_counter() - start, list_units(root)
        faults = {
            f"another report ({describe(root / 'work' / REPORT)})": found != command.expected,
            "an entry in part": any(unseal(path.read_bytes(), path.name) is None for path in after_units),
            "a unit computed again": any(after_units.get(path) != number for path, number in before.items()),
            "a draft": any(root.rglob(".onnxaudit-*")),
        }
        wrong = tuple(what for what, is_so in faults.items() if is_so)
        if wrong and faulty is not None:
            shutil.copytree(root, faulty / root.name, symlinks=True)
            (faulty / root.name / "expected.json").write_text(command.expected, encoding="utf-8")
        return Row(command=command.words[0], kills=kills, units=len(before), seconds=seconds, faults=wrong)


def list_commands(name: str | None, models: Path, folder: Path) -> list[Command]:
    """The commands that are killed, each with its uninterrupted outcome."""
    together: tuple[Path, ...]
    if name is None:
        model, other = write_planted(folder, backdoored=True), write_planted(folder, backdoored=False)
        data, target, together = write_samples(folder), TARGET, (model, other)
    else:
        truth = GroundTruth.load(models / f"{name}.json")
        model, data = (models / f"{name}.onnx").resolve(), (models / "samples" / f"{truth.dataset}.npz").resolve()
        target, together = truth.target or 0, (model,)
    common = ("--data", str(data), "--json", REPORT, "--no-progress", "--effort", "quick")
    fixed = ("--output", "fixed.onnx", "--target", str(target), "--method", "prune")
    commands = []
    for words, inputs in (
        (("scan", str(model), *common), (model, data)),
        (("scan", *map(str, together), *common, "--jobs", "2"), (*together, data)),
        (("repair", str(model), *common[:-2], *fixed), (model, data)),
    ):
        commands.append(prepare(words, inputs))
        print(f"{words[0]} of {len(inputs) - 1} without a kill: {commands[-1].longest[0]:.1f} s", flush=True)
    return commands


def play_rounds(
    commands: Sequence[Command], kills: int, seed: int, file: Path | None, faulty: Path | None
) -> list[Row]:
    """Rounds until there were so many kills; each is kept when it is over."""
    rng, rows = np.random.default_rng(seed), list[Row]()
    while sum(row.kills for row in rows) < kills:
        number = len(rows)
        row = play(commands[number % len(commands)], rng, faulty, worker=bool(number % 2))
        rows.append(row)
        keep(file, "resumption", rows)
        told = f"{row.command}, {row.kills} kills, {row.units} kept, {row.seconds:.1f} s"
        print(f"{number + 1}: {told}: {', '.join(row.faults) or 'same'}", flush=True)
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the reference models")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faulty", type=Path, help="where to keep what rounds with a fault left")
    add_json_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = list_commands(options.name, options.models, Path(folder))
        rows = play_rounds(commands, options.kills, options.seed, options.json, options.faulty)
    kills, faults = sum(row.kills for row in rows), sum(bool(row.faults) for row in rows)
    print(f"{kills} kills in {len(rows)} rounds, {faults} rounds with a fault")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
