"""How good the formula in force is on models that were scanned, by whatever version: scored again, not scanned again.

    python -m benchmarks.verdicts --zoo ZOO ... --scans SCANS ... [--without NAME ...] [--list] [--json FILE]

`--scans` are folders as `benchmarks.detection` keeps them (`FOLDER/10-0/MODEL.json`), one for each zoo; models that
were not scanned are left out. Printed are, for models of ten classes and more and for others: AUROC, cross-entropy and
Brier score (clean and backdoored models weigh the same), a reliability curve, and, by attack and by cause of cleanness,
how many are called backdoored, open and called clean, with exact 95 % intervals (Clopper and Pearson).
"""

import argparse
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import ResultRow, add_json_option, keep
from benchmarks.table import describe_kind
from benchmarks.zoo_folder import Entry, Zoo
from onnxaudit.findings import reasons
from onnxaudit.pipeline.likeness import doubt_likeness
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Assessment, ScanDocument, ScanReport
from onnxaudit.report.json import from_json
from onnxaudit.scoring.label_evidence import weigh
from onnxaudit.scoring.reference import Likeness
from onnxaudit.scoring.settings import VerdictConfig
from onnxaudit.scoring.verdict import assess
from tools.calibration.figures import format_share, measure_auroc, measure_entropy
from tools.calibration.reference import find_architecture

CONFIG = VerdictConfig()
NO_MAPPING = (None, -np.inf)
EDGES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Of the bins of the reliability curve."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model; `right` says whether a true target is named first."""

    model: str
    zoo: str
    kind: str
    architecture: str
    classes: int
    backdoored: bool
    verdict: str
    score: float
    right: bool


def read_rows(zoo: Zoo, scans: Path, without: Sequence[str]) -> Iterator[Row]:
    """The models of a zoo that were scanned, but for those named in `without`."""
    for name in zoo.names():
        path = scans / "10-0" / f"{name}.json"
        if not path.exists() or name in without:
            continue
        document = from_json(path.read_text(encoding="utf-8"))
        assert isinstance(document, ScanDocument)
        yield describe(zoo.entry(name), document.reports[0])


def describe(entry: Entry, report: ScanReport) -> Row:
    """A model's row, its scan scored by the formula in force."""
    truth = entry.truth
    found = rescore(report, describe_likeness(report, truth))
    named = found.target_labels[:1]
    return Row(
        model=entry.name,
        zoo=entry.zoo.folder.name,
        kind=describe_kind(entry),
        architecture=truth["architecture"],
        classes=truth["class_count"],
        backdoored=truth["backdoored"],
        verdict=found.verdict.value,
        score=found.score,
        right=bool(named) and truth["backdoored"] and (named[0] in entry.targets or None in entry.targets),
    )


def describe_likeness(report: ScanReport, truth: Mapping[str, Any]) -> Likeness:
    """By what the model is compared, its accuracy and architecture those of the truth."""
    taken = report.model.input
    return Likeness(
        classes=report.model.output.classes,
        side=math.sqrt(taken.height * taken.width),
        accuracy=truth["clean_accuracy"],
        architecture=find_architecture(truth["architecture"]),
        raced=DetectionConfig().fit_to(taken).large,
    )


def rescore(report: ScanReport, likeness: Likeness) -> Assessment:
    """The verdict in force on what a scan measured; an all-to-all trigger that was found stays what it was.

    How many known models are like this one is counted anew, too: the table may have grown.
    """
    classes, accuracy = likeness.classes, likeness.accuracy
    detectors = {name for row in report.labels for name in row.ratios}
    ratios = {
        name: {row.label: row.ratios[name] for row in report.labels if name in row.ratios} for name in sorted(detectors)
    }
    sizes = {row.label: row.mask_l1 for row in report.labels if row.mask_l1 is not None}
    success = {row.label: row.success_rate for row in report.labels}
    evidence = weigh(ratios, sizes, success, classes, CONFIG, synthetic=report.samples.synthetic, accuracy=accuracy)
    kept = [(one, cause.effect) for one in report.caveats if (cause := reasons.find_cause(one.code)) is not None]
    doubts = [one for one, effect in kept if effect == "never clean" and one.code != reasons.FEW_SIMILAR.code]
    doubts += doubt_likeness(likeness, DetectionConfig())
    if classes < CONFIG.fewest_classes and all(one.code != reasons.SMALL_MODEL.code for one in doubts):
        doubts.append(reasons.SMALL_MODEL.give(classes=classes, fewest=CONFIG.fewest_classes))
    obstacles = [one for one, effect in kept if effect == "no verdict"]
    found = assess(evidence, NO_MAPPING, obstacles, doubts, CONFIG)
    if report.universal is None or found.score > report.score:
        return found
    return replace(found, verdict=report.verdict, score=report.score, target_labels=report.target_labels)


def print_figures(rows: Sequence[Row]) -> None:
    """All figures of some models."""
    scores, bad = np.array([row.score for row in rows]), np.array([row.backdoored for row in rows])
    print(f"AUROC {measure_auroc(scores[bad], scores[~bad]):.3f}, ", end="")
    print(f"cross-entropy {measure_entropy(scores[bad], scores[~bad]):.3f}, Brier {measure_brier(rows):.3f}")
    found = [row for row in rows if row.backdoored and row.verdict == "backdoored"]
    print(f"of those found, true target first: {format_share(sum(row.right for row in found), len(found))}")
    print(f"{'':24} {'called backdoored':20} {'open':20} {'called clean':20}")
    for name, mine in _group(rows):
        cells = [
            format_share(sum(row.verdict == verdict for row in mine), len(mine))
            for verdict in ("backdoored", "inconclusive", "clean")
        ]
        print(f"{name:24} " + " ".join(f"{cell:20}" for cell in cells))
    print("reliability: scores, models, share backdoored")
    for low, high in itertools.pairwise(EDGES):
        inside = [row for row in rows if low <= row.score < high or row.score == high == 1.0]
        share = format_share(sum(row.backdoored for row in inside), len(inside))
        print(f"  {low:.2f} to {high:.2f}  {len(inside):3}  {share}")


def measure_brier(rows: Sequence[Row]) -> float:
    """Mean squared difference of score and truth, clean and backdoored models weighing the same."""
    kinds = [[(row.score - kind) ** 2 for row in rows if row.backdoored is kind] for kind in (True, False)]
    return float(np.mean([np.mean(kind) for kind in kinds if kind]))


def _group(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Both kinds, then attacks and causes of cleanness."""
    for backdoored in (True, False):
        mine = [row for row in rows if row.backdoored is backdoored]
        yield ("backdoored" if backdoored else "all clean"), mine
        for kind in sorted({row.kind for row in mine}):
            yield f"  {kind}", [row for row in mine if row.kind == kind]


def main() -> None:
    """Read, score, print, keep."""
    options = _parse()
    rows = [
        row
        for folder, scans in zip(options.zoo, options.scans, strict=True)
        for row in read_rows(Zoo(folder, options.data), scans, options.without)
    ]
    parts: list[tuple[str, Callable[[Row], bool]]] = [
        (f"{CONFIG.fewest_classes} classes and more", lambda row: row.classes >= CONFIG.fewest_classes),
        ("fewer classes", lambda row: row.classes < CONFIG.fewest_classes),
    ]
    for title, belongs in parts:
        mine = [row for row in rows if belongs(row)]
        if mine:
            print(f"\n== {title}: {len(mine)} models ==")
            print_figures(mine)
            for row in sorted(mine, key=lambda row: (row.backdoored, row.kind, row.score)) if options.list else ():
                right = " right" if row.right else ""
                print(f"{row.model:30} {row.kind:22} {row.classes:3} {row.verdict:12} {row.score:5.2f}{right}")
    kept: list[ResultRow] = [asdict(row) for row in rows]
    keep(options.json, "verdicts", kept)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, nargs="+", required=True, help="folders with models and truth/")
    parser.add_argument("--data", type=Path, default=Path(), help="folder with the data sets' .npz files; not read")
    parser.add_argument(
        "--scans", type=Path, nargs="+", required=True, help="folders of scan reports, one for each zoo"
    )
    parser.add_argument("--without", nargs="*", default=[], help="names of models that were in the fit")
    parser.add_argument("--list", action="store_true", help="list every model")
    add_json_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
