"""The models of a table as a scan compares others with them: what they are like, their truth, and their scores.

Scores are those of fits without the model and without its family of attacks; of models that were held out, of the fit
of all others.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from onnxaudit.scoring.reference import Architecture, Likeness
from tools.calibration.features import OF_FEW_CLASSES, VERDICT
from tools.calibration.fit import RIDGE, RIDGE_OF_FEW_CLASSES, Cases, choose_rows, fit, hold_down, make_cases, weigh
from tools.calibration.folds import score_left_out
from tools.calibration.table import Row, Values, read_table

TOKENS, DENSE = {"mixer", "vit"}, {"mlp"}


def write_reference(table: Path, output: Path) -> None:
    """Writes the file that `onnxaudit.scoring.reference` reads, with the hash of the table."""
    rows = read_table(table)
    models = [*_list_models(rows, few=False), *_list_models(rows, few=True)]
    lines = ",\n".join(json.dumps(model, separators=(",", ":")) for model in models)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    output.write_text(f'{{"table_sha256":"{digest}","models":[\n{lines}\n]}}\n', encoding="utf-8")


def _list_models(rows: Sequence[Row], *, few: bool) -> Iterator[dict[str, object]]:
    """Models that the formula in force scores."""
    names, ridge = (OF_FEW_CLASSES, RIDGE_OF_FEW_CLASSES) if few else (VERDICT, RIDGE)
    cases = make_cases(choose_rows(rows, few=few), names)
    yield from _describe_all(cases, score_left_out(cases, "family", ridge=ridge))
    if held := choose_rows(rows, few=few, held_out=True):
        later = make_cases(held, names)
        yield from _describe_all(later, weigh(later, fit(cases, ridge)))


def _describe_all(cases: Cases, odds: Values) -> Iterator[dict[str, object]]:
    """Each model with its score, from log-odds `(models, labels)`."""
    for row, one in zip(cases.rows, hold_down(cases, odds.max(axis=1)), strict=True):
        score = 1 / (1 + np.exp(-np.clip(one, -30, 30)))
        yield {"likeness": asdict(describe(row)), "backdoored": row.backdoored, "score": round(float(score), 4)}


def describe(row: Row) -> Likeness:
    """By what a model of the table is compared."""
    _, height, width = row.shape
    return Likeness(
        classes=row.classes,
        side=round(math.sqrt(height * width), 1),
        accuracy=row.accuracy,
        architecture=find_architecture(row.architecture),
        raced=row.raced,
    )


def find_architecture(name: str) -> Architecture:
    """Of which kind a network of the tools is, by its name."""
    return "tokens" if name in TOKENS else "dense" if name in DENSE else "convolutional"
