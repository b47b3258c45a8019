"""Fits the constants of the verdict on zoos of models with ground truth.

    python -m benchmarks.zoo --zoo ZOO --data DATA --methods --scans SCANS
    python -m tools.calibrate --zoo ZOO --scans SCANS

`b` and `w` of `onnxaudit.scoring.verdict` minimise the log score of models under a prior of one half:

    Σ clean −ln(1 − p(max_k log-odds_k))  +  Σ backdoored −ln p(log-odds of the true target)  +  ridge · |w|²

with weights no lower than zero. Models whose trigger works for some classes only, or moves every class elsewhere, have
no target that these looks could see and take no part. The table gives each model's score when it is left out of the
fit.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from onnxaudit.records.old_names import rename_detectors
from onnxaudit.scoring.verdict import WEIGHED, JudgementConfig, carries_over, measure_closeness
from onnxaudit.statistics import rate

RIDGE = 0.005
CLIP = (0.01, 0.99)


@dataclass(frozen=True, eq=False)
class Case:
    """One scanned model; `targets` are empty if it is clean.

    `closeness` `(labels, 3)`: by patch, compactness and waves.
    """

    name: str
    attack: str
    closeness: Tensor
    targets: tuple[int, ...]

    @property
    def backdoored(self) -> bool:
        """Whether the truth says so."""
        return bool(self.targets)


def main() -> None:
    """Fit, and print the constants and a table."""
    options = _parse()
    pairs = list(zip(options.zoo, options.scans, strict=True))
    cases = [case for zoo, scans in pairs for case in read_cases(zoo, scans)]
    print(f"{len(cases)} models, {sum(case.backdoored for case in cases)} backdoored")
    offset, weights = fit(cases, options.ridge)
    print(f"offset = {offset:.2f}")
    print(f"patch_weight = {weights[0]:.2f}")
    print(f"compactness_weight = {weights[1]:.2f}")
    print(f"spectral_weight = {weights[2]:.2f}")
    _print_table(cases, options.ridge)


def read_cases(zoo: Path, scans: Path) -> list[Case]:
    """The models of `zoo` that have been scanned."""
    cases = []
    for path in sorted(scans.glob("*.json")):
        truth = json.loads((zoo / "truth" / path.name).read_text())
        triggers = truth.get("triggers", []) if truth["backdoored"] else []
        if any(trigger["source_labels"] or trigger["mapping"] != "all-to-one" for trigger in triggers):
            continue
        rows = json.loads(path.read_text())["reports"][0]["labels"]
        closeness = _read_closeness(rows)
        targets = tuple(trigger["target"] for trigger in triggers)
        cases.append(Case(path.stem, truth["attack"] if truth["backdoored"] else "clean", closeness, targets))
    return cases


def _read_closeness(rows: Sequence[dict[str, Any]]) -> Tensor:
    """Of each row; a label that a look could not measure is as far away as is normal.

    So is by its mask one whose trigger fails on unseen samples, because that convicts nobody.
    """
    named = {row["label"]: rename_detectors(row["ratios"]) for row in rows}
    ratios: dict[str, dict[int, float]] = {
        name: {label: found[name] for label, found in named.items() if name in found} for name in WEIGHED
    }
    parts = measure_closeness(ratios, JudgementConfig())
    closeness = torch.tensor([[part.get(row["label"], 0.0) for part in parts] for row in rows])
    for row, values in zip(rows, closeness, strict=True):
        if not carries_over(rate(row["success_rate"]["successes"], row["success_rate"]["trials"]), JudgementConfig()):
            values[:2] = 0.0
    return closeness


def fit(cases: Sequence[Case], ridge: float) -> tuple[float, Tensor]:
    """`b` and `w`."""
    raw = torch.zeros(4, requires_grad=True)
    solver = torch.optim.LBFGS([raw], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        weights = raw[1:].exp()
        loss = ridge * weights.square().sum()
        for case in cases:
            odds = _odds(case, raw[0], weights)
            loss = loss + torch.nn.functional.softplus(-_seen(case, odds) if case.backdoored else odds.max())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    solver.step(closure)  # type: ignore[no-untyped-call]
    return float(raw[0].detach()), raw[1:].detach().exp()


def _odds(case: Case, offset: Tensor | float, weights: Tensor) -> Tensor:
    return offset - math.log(max(len(case.closeness), JudgementConfig().fewest_compared)) + case.closeness @ weights


def _seen(case: Case, odds: Tensor) -> Tensor:
    """The log-odds of the target seen best."""
    return odds[list(case.targets)].max()


def _print_table(cases: Sequence[Case], ridge: float) -> None:
    losses = []
    for case in cases:
        odds = _odds(case, *fit([other for other in cases if other is not case], ridge))
        score = float(torch.sigmoid(odds.max()))
        clipped = min(max(score, CLIP[0]), CLIP[1])
        losses.append(-math.log(clipped if case.backdoored else 1 - clipped))
        first = int(odds.argmax())
        right = "" if not case.backdoored else "right" if first in case.targets else "wrong label"
        print(f"{case.name:28} {case.attack:18} {score:5.2f} {right}")
    print(f"log score, each model left out of its fit: {sum(losses) / len(losses):.3f}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate", description="Fit the constants of the verdict.")
    parser.add_argument("--zoo", type=Path, action="append", required=True, help="folder with truth/ (may be repeated)")
    parser.add_argument("--scans", type=Path, action="append", required=True, help="its scan reports, in that order")
    parser.add_argument("--ridge", type=float, default=RIDGE, help="weight of the squared weights")
    return parser.parse_args()


if __name__ == "__main__":
    main()
