"""How good the verdicts of a scan are, over a folder of models with ground truth, beside the published rule.

    python -m benchmarks.detection --zoo ZOO --data DATA [--per-class 10 1 0] [--jobs 2] [--scans FOLDER]

For each number of clean images a class (0: none, the scan makes its own) one table: AUROC and cross-entropy of the
score (natural log, scores clipped to [0.01, 0.99], prior one half), rates at the tool's own verdict with 95 % Wilson
intervals, how often the true target is named first, seconds; by attack, architecture, data set and number of classes.
The baseline, on the same inversions: anomaly index above 2 and size below the median (B. Wang et al., IEEE S&P 2019).
An inconclusive verdict on a backdoored model is a miss. With `--scans` reports are kept, and a second run goes on.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from benchmarks.results import ResultRow, add_json_option, keep
from benchmarks.zoo import find_scan, plain_rule
from benchmarks.zoo_folder import Zoo, add_zoo_options
from onnxaudit.statistics import rate

CLIP = 0.01


@dataclass(frozen=True)
class Row:
    """One scan; `plain` are the labels that the published rule accuses, smallest first."""

    model: str
    attack: str
    architecture: str
    dataset: str
    classes: int
    targets: list[int | None]
    verdict: str
    score: float
    found: list[int]
    plain: list[int]
    plain_score: float
    seconds: float

    @property
    def backdoored(self) -> bool:
        """Whether the truth says so."""
        return self.attack != "clean"

    @property
    def right(self) -> bool:
        """Whether a true target comes first; an all-to-all backdoor leads to every label."""
        return bool(self.found) and (self.attack == "all-to-all" or self.found[0] in self.targets)


def scan_one(zoo: Zoo, name: str, per_class: int, seed: int, scans: Path | None) -> Row:
    """Scan one model of the zoo, or read the kept report."""
    import torch

    torch.set_num_threads(1)
    entry = zoo.entry(name)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "clean.npz"
        if per_class:
            entry.write_defender_data(data, per_class)
        scan = find_scan(entry, data if per_class else None, seed, scans)
    indexes = [row.anomaly_index for row in scan.labels if row.label in plain_rule(scan)]
    truth = entry.truth
    return Row(
        model=name,
        attack=entry.attack,
        architecture=truth["architecture"],
        dataset=truth["dataset"],
        classes=truth["class_count"],
        targets=entry.targets,
        verdict=scan.verdict.value,
        score=scan.score,
        found=list(scan.target_labels),
        plain=plain_rule(scan),
        plain_score=max(indexes, default=0.0),
        seconds=scan.duration_seconds,
    )


def scan_all(zoo: Zoo, names: Sequence[str], per_class: int, options: argparse.Namespace) -> Iterator[Row]:
    """Rows as they are finished; what fails stops the benchmark."""
    scans = None if options.scans is None else options.scans / f"{per_class}-{options.seed}"
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(scan_one, zoo, name, per_class, options.seed, scans) for name in names]
        for job in as_completed(jobs):
            yield job.result()


def print_report(rows: Sequence[Row], per_class: int) -> None:
    """One line a model, then the rates, whole and by group."""
    print(f"\n== {per_class or 'no'} clean images a class ==")
    for row in sorted(rows, key=lambda row: (row.backdoored, row.attack, row.model)):
        true = ",".join("all" if target is None else str(target) for target in row.targets) or "-"
        found = ",".join(map(str, row.found[:4])) or "-"
        plain = ",".join(map(str, row.plain[:4])) or "-"
        start = f"{row.model:22} {row.attack:18} {true:>6} {row.verdict:12} {row.score:5.2f}"
        print(f"{start} {found:>12} {plain:>12} {row.seconds:5.0f} s")
    print()
    _print_scores("onnxaudit", rows, lambda row: row.score)
    _print_scores("published rule", rows, lambda row: row.plain_score)
    print(f"cross-entropy of the score: {measure_entropy(rows):.3f}")
    bad, clean = [row for row in rows if row.backdoored], [row for row in rows if not row.backdoored]
    _print_rate("backdoored, found", [row.verdict == "backdoored" for row in bad])
    _print_rate("  of these, true target first", [row.right for row in bad if row.verdict == "backdoored"])
    _print_rate("backdoored, called clean", [row.verdict == "clean" for row in bad])
    _print_rate("clean, called backdoored", [row.verdict == "backdoored" for row in clean])
    _print_rate("clean, inconclusive", [row.verdict == "inconclusive" for row in clean])
    _print_rate(
        "published rule: true target first", [row.plain[:1] != [] and row.plain[0] in row.targets for row in bad]
    )
    _print_rate("published rule: clean, accused", [bool(row.plain) for row in clean])
    seconds = [row.seconds for row in rows]
    print(f"seconds a scan: median {median(seconds):.0f}, longest {max(seconds):.0f}")
    for title in ("attack", "architecture", "dataset", "classes"):
        _print_groups(rows, title)


def sum_up(rows: Sequence[Row]) -> ResultRow:
    """All models together, as a row of the kept result: shares of those with a backdoor, and of the clean ones."""
    bad, clean = [row for row in rows if row.backdoored], [row for row in rows if not row.backdoored]
    return {
        "model": "all",
        "auroc": measure_auroc(rows, lambda row: row.score),
        "cross_entropy": measure_entropy(rows),
        "detected": _share([row.verdict == "backdoored" for row in bad]),
        "target_first": _share([row.verdict == "backdoored" and row.right for row in bad]),
        "false_negative_rate": _share([row.verdict == "clean" for row in bad]),
        "false_positive_rate": _share([row.verdict == "backdoored" for row in clean]),
    }


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else math.nan


def measure_auroc(rows: Sequence[Row], score: Callable[[Row], float]) -> float:
    """Share of pairs in which the backdoored model has the higher score; ties count half."""
    bad = [score(row) for row in rows if row.backdoored]
    clean = [score(row) for row in rows if not row.backdoored]
    if not bad or not clean:
        return math.nan
    wins = sum((one > other) + 0.5 * (one == other) for one in bad for other in clean)
    return wins / (len(bad) * len(clean))


def measure_entropy(rows: Sequence[Row]) -> float:
    """Mean over both kinds of models, each kind weighing one half."""

    def lose(row: Row) -> float:
        score = min(max(row.score, CLIP), 1 - CLIP)
        return -math.log(score if row.backdoored else 1 - score)

    kinds = [[lose(row) for row in rows if row.backdoored is kind] for kind in (True, False)]
    return sum(sum(kind) / len(kind) for kind in kinds if kind) / sum(bool(kind) for kind in kinds)


def _print_scores(name: str, rows: Sequence[Row], score: Callable[[Row], float]) -> None:
    print(f"AUROC, {name}: {measure_auroc(rows, score):.3f}")


def _print_rate(name: str, flags: Sequence[bool]) -> None:
    counted = rate(sum(flags), len(flags))
    share = f"{100 * sum(flags) / len(flags):5.1f} %" if flags else "    –  "
    print(f"{name:36} {sum(flags):3} of {len(flags):3}  {share}  [{100 * counted.low:.0f}, {100 * counted.high:.0f}]")


def _print_groups(rows: Sequence[Row], title: str) -> None:
    print(f"\nby {title:14} backdoored: found, clean, open; clean: accused, open; median s")
    for value in sorted({getattr(row, title) for row in rows}, key=str):
        group = [row for row in rows if getattr(row, title) == value]
        bad = [row.verdict for row in group if row.backdoored]
        clean = [row.verdict for row in group if not row.backdoored]
        cells = f"{bad.count('backdoored')}/{len(bad)}, {bad.count('clean')}, {bad.count('inconclusive')}"
        others = f"{clean.count('backdoored')}/{len(clean)}, {clean.count('inconclusive')}"
        print(f"  {value!s:18} {cells:22} {others:12} {median(row.seconds for row in group):5.0f}")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_zoo_options(parser)
    parser.add_argument("--per-class", type=int, nargs="+", default=[10], help="clean images a class; 0 for none")
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    """Run, print, keep."""
    options = parse()
    zoo = Zoo(options.zoo, options.data)
    names = zoo.names(options.only)
    kept: list[ResultRow] = []
    for per_class in options.per_class:
        rows = []
        for row in scan_all(zoo, names, per_class, options):
            rows.append(row)
            print(f"{row.model}: {row.verdict} {row.score:.2f} ({row.seconds:.0f} s)", flush=True)
        print_report(rows, per_class)
        kept += [{"per_class": per_class, **row} for row in [*map(asdict, rows), sum_up(rows)]]
    keep(options.json, "detection", kept)


if __name__ == "__main__":
    main()
