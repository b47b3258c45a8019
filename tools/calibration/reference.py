"""The models of a table as a scan compares others with them: what they are like, their truth, and their scores.

Scores are those of fits without the model and without its family of attacks.
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
from tools.calibration.fit import RIDGE, RIDGE_OF_FEW_CLASSES, choose_rows, hold_down, make_cases
from tools.calibration.folds import score_left_out
from tools.calibration.table import Row, read_table

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
    odds = score_left_out(cases, "family", ridge=ridge).max(axis=1)
    for row, one in zip(cases.rows, hold_down(cases, odds), strict=True):
        score = 1 / (1 + np.exp(-np.clip(one, -30, 30)))
        yield {"likeness": asdict(describe(row)), "backdoored": row.backdoored, "score": round(float(score), 4)}


def describe(row: Row) -> Likeness:
    """By what a model of the table is compared."""
    _, height, width = row.shape
    return Likeness(
        classes=row.classes,
        side=round(math.sqrt(height * width), 1),
        accuracy=row.accuracy,
        architecture=_find_architecture(row.architecture),
    )


def _find_architecture(name: str) -> Architecture:
    return "tokens" if name in TOKENS else "dense" if name in DENSE else "convolutional"
