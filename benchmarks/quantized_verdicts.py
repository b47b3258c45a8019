"""Verdicts of models as they are, and as onnxruntime's quantizer leaves them in 8-bit integers, side by side.

    python -m benchmarks.quantized_verdicts --zoo ZOO --data DATA [--only MODEL ...] [--scans FOLDER] [--json FILE]

A line a model: truth, and for the file, its statically and its dynamically quantized copy the verdict, the score and
the first target class; below, by form, how many backdoored models are found with a true target first, how many are
called clean, and how many clean models are flagged. Models that hold integers already are left out. With `--scans`
reports are kept, and a second run goes on. Copies are calibrated on the scan's clean images, ten a class.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import add_json_option, keep
from benchmarks.zoo_folder import Entry, Zoo, add_model_options
from onnxaudit import scan
from onnxaudit.errors import OnnxauditError
from onnxaudit.files import write_atomically
from onnxaudit.records import GivenPreprocessing, QuantizationKind, ScanDocument, ScanReport
from onnxaudit.report.json import from_json, to_json

FORMS: tuple[QuantizationKind | None, ...] = (None, *QuantizationKind)
PER_CLASS = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    """One form of one model; `failure` says why there is no verdict."""

    model: str
    kind: str
    form: str
    backdoored: bool
    verdict: str = ""
    score: float | None = None
    first: int | None = None
    right: bool = False
    failure: str = ""

    def cell(self) -> str:
        """For the table."""
        if self.score is None:
            return f"none: {self.failure}"
        first = "" if self.first is None else f", {self.first}{'' if self.right else ' (wrong)'}"
        return f"{self.verdict} {self.score:.2f}{first}"


def scan_forms(entry: Entry, scans: Path | None) -> Iterator[Row]:
    """The three rows of a model."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "clean.npz"
        entry.write_defender_data(data, PER_CLASS)
        for kind in FORMS:
            form = "file" if kind is None else kind.value
            kept = None if scans is None else scans / f"{entry.name}.{form}.json"
            head = {"model": entry.name, "kind": entry.truth["kind"], "form": form}
            try:
                report = find_report(entry, data, kind, kept)
            except OnnxauditError as error:
                yield Row(**head, backdoored=entry.truth["backdoored"], failure=str(error).splitlines()[0])
                continue
            yield describe(entry, form, report)


def find_report(entry: Entry, data: Path, kind: QuantizationKind | None, kept: Path | None) -> ScanReport:
    """The kept report, or that of a scan."""
    if kept is not None and kept.exists():
        document = from_json(kept.read_text(encoding="utf-8"))
        assert isinstance(document, ScanDocument)
        return document.reports[0]
    low, high = entry.truth["value_range"]
    given = GivenPreprocessing(range=(low, high))
    report = scan(entry.model, data, preprocessing=given, device="cpu", quantization=kind)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, to_json(ScanDocument(reports=(report,))).encode())
    return report


def describe(entry: Entry, form: str, report: ScanReport) -> Row:
    """The row of a report."""
    first = report.target_labels[0] if report.target_labels else None
    return Row(
        model=entry.name,
        kind=entry.truth["kind"],
        form=form,
        backdoored=entry.truth["backdoored"],
        verdict=report.verdict.value,
        score=report.score,
        first=first,
        right=first is not None and (first in entry.targets or None in entry.targets),
    )


def summarize(rows: Sequence[Row]) -> Iterator[str]:
    """A line a form."""
    for kind in FORMS:
        form = "file" if kind is None else kind.value
        mine = [row for row in rows if row.form == form and row.score is not None]
        bad, good = [row for row in mine if row.backdoored], [row for row in mine if not row.backdoored]
        found = sum(row.verdict == "backdoored" and row.right for row in bad)
        missed = sum(row.verdict == "clean" for row in bad)
        flagged = sum(row.verdict == "backdoored" for row in good)
        passed = sum(row.verdict == "clean" for row in good)
        yield (
            f"{form}: {found} of {len(bad)} found with a true target first, {missed} called clean; "
            f"{flagged} of {len(good)} clean ones flagged, {passed} called clean"
        )


def main() -> None:
    """Print one line a model as it is finished, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_model_options(parser)
    add_json_option(parser)
    options = parser.parse_args()
    zoo = Zoo(options.zoo, options.data)
    rows: list[Row] = []
    print("| model | truth | file | static | dynamic |\n|---|---|---|---|---|", flush=True)
    for name in zoo.names(options.only):
        entry = zoo.entry(name)
        if entry.truth.get("quantized"):
            continue
        three = list(scan_forms(entry, options.scans))
        rows += three
        truth = ", ".join("all" if target is None else str(target) for target in entry.targets)
        cells = " | ".join(row.cell() for row in three)
        print(f"| {name} | {entry.truth['kind']}{f' -> {truth}' if truth else ''} | {cells} |", flush=True)
    print(*summarize(rows), sep="\n")
    keep(options.json, "quantized_verdicts", rows)


if __name__ == "__main__":
    main()
