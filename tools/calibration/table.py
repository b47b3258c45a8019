"""The evidence table: one row a model, with its truth, its description and what every detector measured by label.

A table is a compressed file of JSON lines, sorted by model, equal to the byte for equal rows. It holds no pixels and no
weights. The models stand beside it by their SHA-256 (`NAME.sha256`, as `sha256sum` writes it).
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxaudit.pipeline.settings import LARGEST_SMALL

Values = npt.NDArray[np.float64]

_DIGITS = 5  # scans under other seeds differ in the second


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model.

    Attributes:
        model: Its name.
        sha256: Of the file.
        zoo: Which collection it belongs to.
        kind: The attack's name, or the cause of cleanness (`clean`, `clean-imbalanced`, ...).
        family: Of the attack; "clean" for clean models.
        targets: Target classes; empty for clean models and for all-to-all.
        architecture: Name of the kind of network.
        dataset: What it learned.
        classes: How many labels it has.
        shape: Channels, height and width of its images.
        accuracy: Clean accuracy, in [0, 1].
        success: Attack success rate of each trigger, in [0, 1].
        quantized: Whether it computes in integers.
        per_class: Clean images a class that the scan had.
        verdict: Of the scan.
        score: Of the scan.
        seconds: That the scan took.
        evidence: By detector or column of the report, a value for each label; None where there is none.
        held_out: Whether it takes part in no fit: constants are tried on it.
    """

    model: str
    sha256: str
    zoo: str
    kind: str
    family: str
    targets: tuple[int, ...]
    architecture: str
    dataset: str
    classes: int
    shape: tuple[int, int, int]
    accuracy: float
    success: tuple[float, ...]
    quantized: bool
    per_class: int
    verdict: str
    score: float
    seconds: float
    evidence: Mapping[str, Sequence[float | None]]
    held_out: bool = False

    @property
    def backdoored(self) -> bool:
        """Whether the truth says so."""
        return self.family != "clean"

    @property
    def raced(self) -> bool:
        """Whether a scan at the standard effort races, as it does with large images."""
        _, height, width = self.shape
        return height * width > LARGEST_SMALL

    def values(self, name: str) -> Values:
        """Evidence `name` `(classes,)`; NaN where there is none."""
        found = self.evidence.get(name) or [None] * self.classes
        return np.array([np.nan if value is None else value for value in found], np.float64)


def write_table(rows: Iterable[Row], path: Path) -> None:
    """Writes the rows and, beside them, the hashes of their models."""
    ordered = sorted(rows, key=lambda row: (row.zoo, row.model, row.per_class))
    lines = "".join(json.dumps(asdict(row), separators=(",", ":")) + "\n" for row in ordered)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))
    hashes = dict.fromkeys(f"{row.sha256}  {row.model}.onnx\n" for row in ordered)
    hash_path(path).write_text("".join(hashes), encoding="utf-8")


def hash_path(path: Path) -> Path:
    """Where the hashes of a table's models stand."""
    return path.with_name(path.name.split(".")[0] + ".sha256")


def read_table(path: Path) -> list[Row]:
    """The rows that `write_table` wrote."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [_make_row(json.loads(line)) for line in lines]


def _make_row(fields: dict[str, Any]) -> Row:
    return Row(**fields | {name: tuple(fields[name]) for name in ("targets", "shape", "success")})


def shorten(value: float | None) -> float | None:
    """`value` to five digits; None where it is no number."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")


def add_evidence(rows: Iterable[Row], more: Mapping[str, Mapping[str, Sequence[float | None]]]) -> list[Row]:
    """Rows with more evidence, by model and then by name, as a detector that is being tried gives it.

    Raises:
        ValueError: If there is not one value for each label.
    """
    added = []
    for row in rows:
        new = {name: [shorten(value) for value in values] for name, values in more.get(row.model, {}).items()}
        for name, values in new.items():
            if len(values) != row.classes:
                raise ValueError(f"{row.model}: {len(values)} values of {name} for {row.classes} labels")
        added.append(_make_row(asdict(row) | {"evidence": {**row.evidence, **new}}))
    return added
