"""Fits the constants of the verdict on a table of evidence, and says how they do on what was left out.

    python -m benchmarks.table --zoo ZOO --data DATA --scans SCANS --output table.jsonl.gz
    python -m tools.calibrate --table table.jsonl.gz
    python -m tools.calibrate --table table.jsonl.gz --reference onnxaudit/scoring/reference.json
    python -m tools.calibrate --table table.jsonl.gz --features log:patch log:latent-inversion lead:spectral

For each group that is left out of the fit as a whole (by default attack families, then architectures): AUROC and
cross-entropy of the score, and how many models are found, open and called clean, with 95 % Clopper-Pearson intervals.
Models that were held out follow, by the fit of all others. Only models that the formula in force scores take part:
those of ten classes and more with an exact shift, or, with `--few`, those of fewer classes. How features are written is
said in `tools.calibration.features`; without `--features` they are those of the verdict.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onnxaudit.scoring.settings import VerdictConfig
from tools.calibration.features import OF_FEW_CLASSES, VERDICT
from tools.calibration.figures import format_share, measure_auroc, measure_entropy
from tools.calibration.fit import RIDGE, RIDGE_OF_FEW_CLASSES, Cases, choose_rows, fit, hold_down, make_cases, weigh
from tools.calibration.folds import GROUPS, score_left_out
from tools.calibration.reference import write_reference
from tools.calibration.table import Values, read_table

Chosen = npt.NDArray[np.bool_]
"""Which models."""

CLEAN_BELOW = VerdictConfig().clean_below


def main() -> None:
    """Fit, and print the constants and a table for each kind of group."""
    options = _parse()
    if options.reference:
        write_reference(options.table[0], options.reference)
        return
    table = [row for path in options.table for row in read_table(path) if row.per_class == options.per_class]
    rows = choose_rows(table, few=options.few)
    if not rows:
        raise SystemExit("no model of the table has so many classes, so many images a class and the evidence for it")
    names = options.features or (OF_FEW_CLASSES if options.few else VERDICT)
    ridge = options.ridge or (RIDGE_OF_FEW_CLASSES if options.few else RIDGE)
    cases = make_cases(rows, names)
    print(f"{len(rows)} models, {int(cases.backdoored.sum())} backdoored")
    fitted = fit(cases, ridge)
    print(f"offset = {fitted.offset:.2f}")
    for feature, weight in zip(names, fitted.weights, strict=True):
        print(f"{feature} = {weight:.2f}")
    for group in options.leave_out:
        odds = score_left_out(cases, group, ridge=ridge, seed=options.seed)
        print(f"\n== each {group} left out of its fit ==")
        print_report(cases, odds, group, list_models=options.models)
    if held := choose_rows(table, few=options.few, held_out=True):
        later = make_cases(held, names)
        print(f"\n== {len(held)} models held out, by the fit of all others ==")
        print_report(later, weigh(later, fitted), "family", list_models=options.models)


def print_report(cases: Cases, odds: Values, group: str, *, list_models: bool = False) -> None:
    """Figures over all models and by group, then of clean models by cause; with `list_models` each model's score."""
    best = hold_down(cases, odds.max(axis=1))
    scores = 1 / (1 + np.exp(-best.clip(-500, 500)))
    bad = cases.backdoored
    first = cases.aimed[np.arange(len(odds)), odds.argmax(axis=1)]
    print(f"AUROC {measure_auroc(scores[bad], scores[~bad]):.3f}", end=", ")
    print(f"cross-entropy {measure_entropy(scores[bad], scores[~bad]):.3f}", end=", ")
    found = bad & (scores > 0.5)
    print(f"of those found, true target first: {format_share(int((found & first).sum()), int(found.sum()))}")
    print(f"{'':22} {'AUROC':>6} {'entropy':>8}  {'flagged':18} {'open':18} {'called clean':18}")
    print(_line("backdoored", scores, bad, ~bad))
    print(_line("clean", scores, ~bad, bad))
    names = np.array([GROUPS[group](row) for row in cases.rows])
    kinds = np.array([row.kind for row in cases.rows])
    within = group not in ("family", "kind")  # such a group has clean models of its own
    for name in np.unique(names[bad]):
        mine = names == name
        print(_line(name, scores, bad & mine, ~bad & mine if within else ~bad))
        if within and (~bad & mine).any():
            print(_line("  clean", scores, ~bad & mine, bad & mine))
    if not within:
        for kind in np.unique(kinds[~bad]):
            print(_line(kind, scores, ~bad & (kinds == kind), bad))
    if list_models:
        for number in np.lexsort((scores, bad)):
            row = cases.rows[number]
            right = "" if not row.backdoored else "right" if first[number] else "wrong label"
            print(f"{row.model:28} {row.kind:22} {scores[number]:5.2f} {right}")


def _line(name: str, scores: Values, mine: Chosen, others: Chosen) -> str:
    """One line of the table; separation from the `others` of the opposite kind."""
    auroc = measure_auroc(scores[mine], scores[others])
    empty = scores[:0]
    clean = name.strip().startswith("clean") and name.strip() != "clean-label"
    auroc = 1 - auroc if clean else auroc
    entropy = measure_entropy(empty, scores[mine]) if clean else measure_entropy(scores[mine], empty)
    total = int(mine.sum())
    flagged, cleared = int((scores[mine] > 0.5).sum()), int((scores[mine] < CLEAN_BELOW).sum())
    counts = (flagged, total - flagged - cleared, cleared)
    cells = " ".join(f"{format_share(count, total):18}" for count in counts)
    return f"{name:22} {auroc:6.3f} {entropy:8.3f}  {cells}"


def _parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate", description="Fit the constants of the verdict.")
    parser.add_argument("--table", type=Path, action="append", required=True, help="of benchmarks.table (repeatable)")
    parser.add_argument("--features", nargs="+", help="FORM:NAMES, as limited:spectral")
    parser.add_argument(
        "--few", action="store_true", help="of models of few classes, which have constants of their own"
    )
    parser.add_argument("--leave-out", nargs="+", default=["family", "architecture"], choices=list(GROUPS))
    parser.add_argument("--per-class", type=int, default=10, help="rows whose scans had so many clean images a class")
    parser.add_argument("--ridge", type=float, help="weight of the squared weights")
    parser.add_argument("--seed", type=int, default=0, help="of the division of clean models")
    parser.add_argument("--reference", type=Path, help="write the scores of left-out models there, and nothing else")
    parser.add_argument("--models", action="store_true", help="list every model's score")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
