"""The method's experiment table, and in the same table what else a user could do with the same clean images.

    python -m benchmarks.repair --zoo DIR --data DIR --results DIR [--scans DIR] [--only NAME ...] [--ways full ...]
    python -m benchmarks.repair --others ...

Cells are {traffic signs, faces} x {LeNet-5, VGG, ResNet} x {random trigger, trigger made from large weights, from high
clean activation}. A model of the zoo is taken where data, architecture and attack fit; `tools/make_cells.py` trains
models for all cells. For each model: accuracy (PA) and success of the *true* trigger (ASR) on evaluation images, as it
came (`none`), after the product's three methods, and after each baseline (`benchmarks/baselines`). All ways get the
same inverted triggers, the same `X` and the same `D_valid`; the true trigger is for measuring alone.

Where the scan does not name the true target first, all ways are given that label, and the model is marked in the list;
the table is about repair. Seconds are those of the treatment: the new scan that ends a repair is left out, since
baselines make none (where it accuses further targets and the repair begins anew, the earlier ones count); a
baseline's are those of its whole grid. The new scan behind `prune` and `prune+tune` is no more than a glance, and
nothing follows from it.

With `--others` the models are those with every other attack: blended, sinusoid, filter, warp, source-specific, two
targets, all-to-all, clean-label. Each is a line of its own.

Every way is kept in `--results` once it is measured, in one file for each model and seed: a second run goes on there.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.baselines import BASELINES, Problem, Tried, choose, pose
from benchmarks.repair_table import (
    ATTACKS,
    WITHOUT,
    Row,
    find_cell,
    format_cells,
    format_others,
    format_summaries,
    read_figures,
    sum_up,
)
from benchmarks.results import add_json_option, keep
from benchmarks.zoo import find_scan, is_right, repair
from benchmarks.zoo_folder import Entry, Zoo, add_run_options
from onnxaudit.detectors.all_to_all import AllToAllConfig
from onnxaudit.detectors.latent_inversion import LatentInversionConfig
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.detectors.spectral import SpectralConfig
from onnxaudit.files import write_atomically
from onnxaudit.intake.writer import save_model
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.pipeline import DetectionConfig, RepairConfig, ScanConfig
from onnxaudit.records import ScanReport

GLANCE = ScanConfig(
    DetectionConfig(
        settings={
            "latent-inversion": LatentInversionConfig(steps=5),
            "patch": replace(PatchConfig(), screening=InversionConfig(steps=5)),
            "spectral": SpectralConfig(steps=5),
            "all-to-all": AllToAllConfig(steps=5),
        },
        suspects=1,
        controls=1,
    )
)
METHODS = {
    "full": RepairConfig(method="full"),
    "prune": RepairConfig(method="prune", scan=GLANCE, further_passes=0),
    "prune+tune": RepairConfig(method="prune+tune", scan=GLANCE, further_passes=0),
}
WAYS = (WITHOUT, "prune", "prune+tune", "full", *BASELINES)


@dataclass(frozen=True)
class Run:
    """One model with one seed.

    Attributes:
        entry: the model.
        seed: of the split of the clean images, of the scan and of every treatment.
        per_class: clean images a class, at most.
        results: folder of the kept rows.
        scans: folder of the kept scans.
        methods: settings of the repairs, by the name of the way.
    """

    entry: Entry
    seed: int
    per_class: int
    results: Path
    scans: Path | None
    methods: Mapping[str, RepairConfig] = field(default_factory=lambda: METHODS)

    @property
    def path(self) -> Path:
        """Where the row is kept."""
        return self.results / f"{self.entry.name}.{self.seed}.json"

    def read(self) -> Row:
        """The row as far as it was measured."""
        if self.path.exists():
            kept: Row = json.loads(self.path.read_text())
            return kept
        cell = find_cell(self.entry.truth)
        return {
            "model": self.entry.name,
            "seed": self.seed,
            "per_class": self.per_class,
            "attack": self.entry.truth.get("kind", self.entry.attack),
            "cell": None if cell is None else [cell.data, cell.network, cell.trigger],
            "ways": {WITHOUT: self.entry.measure(self.entry.model)},
        }

    def keep(self, row: Row) -> None:
        """Writes the row so that it is never seen half."""
        write_atomically(self.path, (json.dumps(row, indent=1) + "\n").encode())

    def measure(self, ways: list[str]) -> Row:
        """Measures the ways that are missing or failed before, and keeps each at once."""
        row = self.read()
        missing = [way for way in ways if way not in row["ways"] or "error" in row["ways"][way]]
        if not missing:
            return row
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch) / "clean.npz"
            self.entry.write_defender_data(data, self.per_class)
            scan = find_scan(self.entry, data, self.seed, self.scans)
            row |= self._describe_scan(scan)
            for way in missing:
                row["ways"][way] = self._treat(way, data, scan, Path(scratch) / f"{way}.onnx", row)
                self.keep(row)
                print(f"  {self.entry.name} seed {self.seed}: {way} {_tell(row, way)}", flush=True)
        return row

    def _describe_scan(self, scan: ScanReport) -> Row:
        found = {"verdict": scan.verdict.value, "found_targets": list(scan.target_labels)}
        given = not is_right({**found, "attack": self.entry.attack, "true_targets": self.entry.targets})
        return {**found, "label_given": given, "scan_seconds": scan.duration_seconds}

    def _treat(self, way: str, data: Path, scan: ScanReport, output: Path, row: Row) -> dict[str, Any]:
        """One way's figures, or its error."""
        label = self.entry.targets[0] if row["label_given"] else None
        try:
            if way in self.methods:
                figures = repair(
                    self.entry, data, scan, config=self.methods[way], output=output, seed=self.seed, label=label
                )
                return figures | {"seconds": figures["seconds"] - figures.get("rescan_seconds", 0.0)}
            targets = scan.target_labels if label is None else (label,)
            return self._try_baseline(way, pose(self.entry.model, data, scan, targets, self.seed), output)
        except Exception as error:  # a way that failed must not hide the others
            return {"error": f"{type(error).__name__}: {error}"}

    def _try_baseline(self, way: str, problem: Problem, output: Path) -> dict[str, Any]:
        start = time.monotonic()
        chosen = choose(problem, BASELINES[way])
        seconds = time.monotonic() - start
        save_model(chosen.best.model, output)
        measured = _describe(chosen.best)
        return {**measured, "seconds": seconds, "grid": [_describe(one) for one in chosen.grid]} | self.entry.measure(
            output
        )


def _describe(tried: Tried) -> dict[str, Any]:
    """A setting, and what was known of its model when it was chosen or not."""
    return {
        "setting": dict(tried.setting),
        "agreement": tried.measured.agreement.value,
        "inverted_asr": tried.measured.success_rate.value,
    }


def _tell(row: Row, way: str) -> str:
    figures = read_figures(row, way)
    if figures is None:
        return str(row["ways"][way].get("error", "wrote no model"))
    agreement = "-" if figures.agreement is None else f"{100 * figures.agreement:.1f} %"
    return (
        f"PA {100 * figures.accuracy:.1f} %, true ASR {100 * figures.success:.1f} %, agreement {agreement}, "
        f"{figures.seconds or 0.0:.1f} s"
    )


def find_runs(options: argparse.Namespace) -> list[Run]:
    """Every model that fits a cell, with every seed."""
    entries = [entry for folder in options.zoo for entry in list_entries(Zoo(folder, options.data), options.others)]
    chosen = [entry for entry in entries if not options.only or any(part in entry.name for part in options.only)]
    return [
        Run(entry, seed, options.per_class, options.results, options.scans)
        for seed in range(options.seeds)
        for entry in chosen
    ]


def list_entries(zoo: Zoo, others: bool) -> list[Entry]:
    """The backdoored models of a zoo that fit a cell, or those with any other attack."""
    entries = [entry for entry in map(zoo.entry, zoo.names()) if entry.truth["backdoored"]]
    return [entry for entry in entries if is_other(entry) == others and (others or find_cell(entry.truth))]


def is_other(entry: Entry) -> bool:
    """Whether the attack is none of the table's."""
    return entry.truth.get("kind", entry.attack) not in ATTACKS


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, nargs="+", required=True, help="folders with index.json, models and truth/")
    add_run_options(parser)
    parser.add_argument("--others", action="store_true", help="models with other attacks than the table's")
    parser.add_argument("--ways", nargs="*", default=list(WAYS[1:]), choices=WAYS[1:])
    parser.add_argument("--seeds", type=int, default=1, help="runs of each model")
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    """Run, keep, print."""
    options = parse()
    rows = carry_out(find_runs(options), options.ways, options)
    keep(options.json, "repair", rows)
    print_tables(rows, [WITHOUT, *options.ways], options.others)


def carry_out(runs: Sequence[Run], ways: list[str], options: argparse.Namespace) -> list[Row]:
    """The rows of all runs; what `--results` does not hold yet is measured first, unless `--table` forbids it."""
    torch.set_num_threads(1)
    options.results.mkdir(parents=True, exist_ok=True)
    if not options.table:
        for run in runs:
            run.measure(ways)
    return [run.read() for run in runs if run.path.exists()]


def print_tables(rows: list[Row], ways: list[str], others: bool) -> None:
    """What was measured, on stdout."""
    if others:
        print("\n".join(format_others(rows, ways)))
    else:
        print("\n".join([*format_cells(rows, ways), "", *format_summaries(sum_up(rows, ways))]))
    given = [f"{row['model']} (seed {row['seed']})" for row in rows if row["label_given"]]
    print(f"\nscan did not name the true target first, label given: {', '.join(given) or 'none'}")


if __name__ == "__main__":
    main()
