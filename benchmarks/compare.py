"""What changed between two results of one benchmark.

    python -m benchmarks.compare OLD.json NEW.json [--tolerance 1]

One line for each measure of each row that both files hold: old, new, difference, and whether that is better or worse by
more than its tolerance: shares 0.02, times a quarter, deviations of outputs as much again, other sizes a twentieth; all
scaled by `--tolerance`. Times of another machine are shown and never worse. The exit code is 1 where a measure is worse
or gone, 2 where the files are not results of one benchmark.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import Result, ResultRow, read

# What tells the rows of a benchmark apart; everything else is measured.
KEYS = ("model", "network", "file", "layer", "method", "label", "classes", "seed", "per_class")
TIMES = ("seconds", "scan_seconds", "processor", "median")  # `median`: of ratios of times
SHARES = {
    **dict.fromkeys(("accuracy", "agreement", "auroc", "detected", "target_first", "success"), True),
    **dict.fromkeys(("asr", "true_asr", "false_positive_rate", "false_negative_rate", "cross_entropy"), False),
}
LESS = {  # is better; by what part of the old value it may grow
    **dict.fromkeys(TIMES, 0.25),
    **dict.fromkeys(("absolute", "relative", "differing", "deviation", "difference"), 1.0),  # of outputs
    **dict.fromkeys(("mask", "passes", "sizes", "held", "peak", "stored", "forward, peak", "gradient, peak"), 0.05),
}
SHARE = 0.02
LEAST = 1e-6  # differences below are those of rounding


@dataclass(frozen=True, kw_only=True)
class Change:
    """One measure of one row.

    Attributes:
        row: what tells it apart, as text.
        measure: its name, with those of what holds it.
        old: before.
        new: after.
        gain: how many tolerances it is better; negative where it is worse.
    """

    row: str
    measure: str
    old: float
    new: float
    gain: float


def list_changes(old: Result, new: Result, tolerance: float = 1.0) -> list[Change]:
    """Every measure that both results hold, in the order of the old one."""
    rows = index(new.rows)
    times = old.machine == new.machine
    changes = []
    for key, row in index(old.rows).items():
        after = dict(list_measures(rows.get(key, {})))
        for name, value in list_measures(row):
            if name in after:
                gain = weigh(find_kind(name), value, after[name], times=times) / tolerance
                changes.append(Change(row=key, measure=name, old=value, new=after[name], gain=gain))
    return changes


def weigh(name: str, old: float, new: float, *, times: bool) -> float:
    """How many tolerances a measure has become better by; 0 for times of different machines."""
    if abs(new - old) < LEAST or (name in TIMES and not times):
        return 0.0
    higher = SHARES.get(name, False)
    allowed = SHARE if name in SHARES else LESS[name] * abs(old)
    return (new - old if higher else old - new) / max(allowed, LEAST)


def index(rows: Sequence[ResultRow]) -> dict[str, ResultRow]:
    """Rows by what tells them apart."""
    return {" ".join(str(row[key]) for key in KEYS if row.get(key) is not None): row for row in rows}


def list_measures(row: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Numbers whose better direction is known, by the names that lead to them."""
    if isinstance(row, dict):
        for key, value in row.items():
            if name or key not in KEYS:
                yield from list_measures(value, f"{name}.{key}" if name else key)
    elif isinstance(row, list):
        for number, value in enumerate(row):
            yield from list_measures(value, f"{name}.{number}")
    elif isinstance(row, int | float) and find_kind(name) in {*SHARES, *LESS}:
        yield name, float(row)


def find_kind(name: str) -> str:
    """The last word of a measure's name: places in lists, and the value of a rate, are of what holds them."""
    return next((part for part in reversed(name.split(".")) if not part.isdigit() and part != "value"), "")


def list_gone(old: Result, new: Result) -> list[str]:
    """Rows of the old result that the new one lacks, and measures of the others."""
    rows = index(new.rows)
    gone = [key for key in index(old.rows) if key not in rows]
    for key, row in index(old.rows).items():
        after = dict(list_measures(rows.get(key, {})))
        gone += [f"{key} {name}" for name, _ in list_measures(row) if key in rows and name not in after]
    return gone


def format_changes(changes: Sequence[Change]) -> list[str]:
    """An aligned table."""
    widths = [max([len(getattr(change, name)) for change in changes] + [7]) for name in ("row", "measure")]
    lines = [f"{'row':{widths[0]}} {'measure':{widths[1]}} {'old':>10} {'new':>10} {'difference':>11}"]
    for one in changes:
        word = "better" if one.gain > 1 else "WORSE" if one.gain < -1 else ""
        start = f"{one.row:{widths[0]}} {one.measure:{widths[1]}} {one.old:10.4g} {one.new:10.4g}"
        lines.append(f"{start} {one.new - one.old:+11.4g} {word}".rstrip())
    return lines


def describe(title: str, result: Result) -> str:
    """Where a result comes from."""
    machine = f"{result.machine.processor}, {result.machine.cores} core(s)"
    return f"{title}: {result.name} of onnxaudit {result.version}, {result.date}, {machine}"


def main(words: Sequence[str] | None = None) -> int:
    """Compare, print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=1.0, help="scales what a measure may be worse by")
    options = parser.parse_args(words)
    try:
        old, new = read(options.old), read(options.new)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if old.name != new.name:
        parser.error(f"{old.name} and {new.name} are different benchmarks")
    gone = list_gone(old, new)
    changes = list_changes(old, new, options.tolerance)
    worse = [change for change in changes if change.gain < -1]
    print("\n".join([describe("old", old), describe("new", new), "", *format_changes(changes)]))
    print(f"\n{len(changes)} measures, {len(worse)} worse; gone: {', '.join(gone) or 'none'}")
    return 1 if worse or gone else 0


if __name__ == "__main__":
    sys.exit(main())
