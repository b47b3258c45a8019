"""How far a model's score moves with the seed, and with half and double the clean images.

    python -m benchmarks.steadiness --zoo ZOO --data DATA [--only MODEL ...] [--seeds 3] [--per-class 5 20]
        [--scans FOLDER] [--json FILE]

A line a model: the scores under each seed with ten images a class, then those under the first seed with other numbers
of images, each with its verdict where that is another; behind them the largest difference within either row. Below,
the share of models whose scores differ by at most .1, and how many verdicts change; beside them the same of the first
measurement alone, which is all there is where a score is not near a limit. With `--scans` reports are kept, and a
second run goes on.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import add_json_option, keep
from benchmarks.table import describe_kind
from benchmarks.zoo import find_scan
from benchmarks.zoo_folder import Entry, Zoo, add_model_options
from onnxaudit.records import ScanReport

USUAL = 10  # clean images a class
STEADY = 0.1  # scores may differ by


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model's scores and verdicts, `(images a class, seed)` each with the same place in all four.

    `firsts` are the scores of first measurements.
    """

    model: str
    kind: str
    runs: tuple[tuple[int, int], ...]
    scores: tuple[float, ...]
    firsts: tuple[float, ...]
    verdicts: tuple[str, ...]

    def spread(self, *, by_seed: bool, first: bool = False) -> float:
        """The largest difference: of the runs that differ in their seed, or of those that differ in their images."""
        usual = self.runs[0]
        same = [run[0] == usual[0] if by_seed else run[1] == usual[1] for run in self.runs]
        scores = [score for score, kept in zip(self.firsts if first else self.scores, same, strict=True) if kept]
        return max(scores) - min(scores)

    def describe(self) -> str:
        """For the table."""
        usual = self.verdicts[0]
        words = [
            f"{score:.2f}{'' if verdict == usual else f' ({verdict})'}"
            for score, verdict in zip(self.scores, self.verdicts, strict=True)
        ]
        spreads = (f"{self.spread(by_seed=by_seed):.2f}" for by_seed in (True, False))
        return f"| {' | '.join([self.model, self.kind, usual, *words, *spreads])} |"


def scan_all(entry: Entry, runs: Sequence[tuple[int, int]], scans: Path | None) -> Row:
    """All scans of a model."""
    reports = [scan_once(entry, per_class, seed, scans) for per_class, seed in runs]
    return Row(
        model=entry.name,
        kind=describe_kind(entry),
        runs=tuple(runs),
        scores=tuple(report.score for report in reports),
        firsts=tuple(report.score if report.first_score is None else report.first_score for report in reports),
        verdicts=tuple(report.verdict.value for report in reports),
    )


def scan_once(entry: Entry, per_class: int, seed: int, scans: Path | None) -> ScanReport:
    """The kept report, or that of a scan."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "clean.npz"
        entry.write_defender_data(data, per_class)
        report: ScanReport = find_scan(entry, data, seed, None if scans is None else scans / str(per_class))
        return report


def summarize(rows: Sequence[Row]) -> Iterator[str]:
    """One line for seeds, one for numbers of images."""
    for by_seed, what in ((True, "seeds"), (False, "numbers of images")):
        counts = (_count(rows, by_seed=by_seed, first=first) for first in (False, True))
        yield f"{what}: {'; one measurement: '.join(counts)}"
    changed = sum(len(set(row.verdicts)) > 1 for row in rows)
    opposed = sum({"clean", "backdoored"} <= set(row.verdicts) for row in rows)
    yield f"verdicts: {changed} of {len(rows)} models have more than one, {opposed} of them both clean and backdoored"


def _count(rows: Sequence[Row], *, by_seed: bool, first: bool) -> str:
    spreads = [row.spread(by_seed=by_seed, first=first) for row in rows]
    steady = sum(spread <= STEADY for spread in spreads)
    return f"{steady} of {len(rows)} models within {STEADY}, at most {max(spreads, default=0.0):.2f}"


def main() -> None:
    """Print one line a model as it is finished, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_model_options(parser)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--per-class", type=int, nargs="*", default=[USUAL // 2, 2 * USUAL])
    add_json_option(parser)
    options = parser.parse_args()
    zoo = Zoo(options.zoo, options.data)
    runs = [(USUAL, seed) for seed in range(options.seeds)] + [(count, 0) for count in options.per_class]
    heads = ["model", "truth", "verdict", *(f"{count} images, seed {seed}" for count, seed in runs)]
    print(f"| {' | '.join([*heads, 'by seed', 'by images'])} |\n|{'---|' * (len(heads) + 2)}", flush=True)
    rows = []
    for name in zoo.names(options.only):
        rows.append(scan_all(zoo.entry(name), runs, options.scans))
        print(rows[-1].describe(), flush=True)
    print(*summarize(rows), sep="\n")
    keep(options.json, "steadiness", rows)


if __name__ == "__main__":
    main()
