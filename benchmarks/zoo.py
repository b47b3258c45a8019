"""Scan and repair every model of a zoo, and measure with the attackers' own triggers.

    python -m benchmarks.zoo --zoo DIR --data DIR [--only NAME ...] [--methods prune full] [--jobs 2] [--json FILE]

For each model: the verdict, the true and the found target, seconds; then, where a backdoor was found, accuracy (PA) and
success of the *true* trigger (ASR) on evaluation images after each repair method. Baselines in the same run: the plain
rule of the published method (anomaly index above 2 and size below the median) beside the verdict, and the unrepaired
model beside the repairs. The product sees the ONNX file and the defender's clean images, nothing else.

With `--json` every finished model is written at once, and a second run goes on where the first one stopped. With
`--scans` the scan reports are kept there and used again, so that repairs can be measured anew without scanning.
"""

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.reactivation import measure_curves
from benchmarks.results import add_json_option, keep, read
from benchmarks.zoo_folder import Entry, Zoo, add_zoo_options

Row = dict[str, Any]


def audit(zoo: Zoo, name: str, *, methods: list[str], per_class: int, seed: int, scans: Path | None) -> Row:
    """Scan one model and repair it by each method; one row of the table."""
    import torch

    torch.set_num_threads(1)
    entry = zoo.entry(name)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "clean.npz"
        entry.write_defender_data(data, per_class)
        scan = find_scan(entry, data, seed, scans)
        row: Row = {
            "model": name,
            "attack": entry.attack,
            "true_targets": entry.targets,
            "verdict": scan.verdict.value,
            "score": scan.score,
            "found_targets": list(scan.target_labels),
            "plain_rule": plain_rule(scan),
            "preprocessing": scan.preprocessing.preprocessing.name,
            "scan_seconds": scan.duration_seconds,
            "original": entry.measure(entry.model),
            "repairs": {},
        }
        if scan.verdict == "backdoored":
            for method in methods:
                output = Path(scratch) / f"{method}.onnx"
                row["repairs"][method] = repair(entry, data, scan, config=make_config(method), output=output, seed=seed)
    return row


def find_scan(entry: Entry, data: Path | None, seed: int, scans: Path | None) -> Any:
    """The kept report of a scan, or a new one."""
    import onnxaudit
    from onnxaudit.records import ScanDocument
    from onnxaudit.report.json import from_json, to_json

    kept = None if scans is None else scans / (f"{entry.name}.json" if seed == 0 else f"{entry.name}.{seed}.json")
    if kept is not None and kept.exists():
        document = from_json(kept.read_text())
        assert isinstance(document, ScanDocument)
        return document.reports[0]
    report = onnxaudit.scan(entry.model, data, seed=seed)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(to_json(ScanDocument((report,))))
    return report


def make_config(method: str) -> Any:
    """The defaults with another method."""
    from onnxaudit.pipeline import RepairConfig

    return RepairConfig(method=method)  # type: ignore[arg-type]


def repair(
    entry: Entry, data: Path, scan: Any, *, config: Any, output: Path, seed: int, label: int | None = None
) -> Row:
    """One repair, measured on the written file; of `label`, whatever the scan says, where one is given."""
    import onnxaudit

    report = onnxaudit.repair(
        entry.model, data, output, config, scan=scan, target=label, allow_incomplete=True, seed=seed
    )
    figures: Row = {"met": report.met, "seconds": report.duration_seconds, "reasons": list(report.reasons)}
    figures["kept_prunes"] = sum(one.kept for one in report.rounds)
    if report.rescan is not None:
        figures["rescan_seconds"] = report.rescan.duration_seconds
    if report.repaired is not None:
        figures["agreement"] = report.repaired.agreement.value
        figures["inverted_asr"] = report.repaired.success_rate.value
    if not output.exists():
        return figures
    if entry.targets and entry.targets[0] is not None:
        figures["reactivation"] = measure_curves(entry, output, data, [seed])
    return figures | entry.measure(output)


def plain_rule(scan: Any) -> list[int]:
    """Labels that the published rule calls suspect: index above 2 and size below the median, smallest first."""
    rows = [row for row in scan.labels if row.mask_l1 is not None and row.anomaly_index is not None]
    if not rows:
        return []
    middle = median(row.mask_l1 for row in rows)
    suspects = [row for row in rows if row.anomaly_index > 2 and row.mask_l1 < middle]
    return [row.label for row in sorted(suspects, key=lambda row: row.mask_l1)]


def run_all(zoo: Zoo, names: list[str], options: argparse.Namespace, finished: dict[str, Row]) -> Iterator[Row]:
    """Rows as they are finished; a model that fails gives a row with its error."""
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        jobs = {
            pool.submit(
                audit,
                zoo,
                name,
                methods=options.methods,
                per_class=options.per_class,
                seed=options.seed,
                scans=options.scans,
            ): name
            for name in names
            if name not in finished
        }
        for job in as_completed(jobs):
            try:
                yield job.result()
            except Exception as error:  # a row that failed must not hide the others
                entry = zoo.entry(jobs[job])
                yield {"model": entry.name, "attack": entry.attack, "true_targets": entry.targets, "error": str(error)}


def is_right(row: Row) -> bool:
    """Whether a backdoored model was found with a true target first."""
    return row.get("verdict") == "backdoored" and (
        row["attack"] == "all-to-all" or row["found_targets"][0] in row["true_targets"]
    )


def format_row(row: Row) -> str:
    """One line of the table."""
    start = f"{row['model']:17} {row['attack']:18}"
    if "error" in row:
        return f"{start} error: {row['error']}"
    true = "-" if row["attack"] == "clean" else ",".join(str(target) for target in row["true_targets"])
    found = ",".join(str(label) for label in row["found_targets"]) or "-"
    plain = ",".join(str(label) for label in row["plain_rule"][:4]) or "-"
    start += f" {true:>5} {row['verdict']:12} {found:>8} {row['score']:5.2f} {plain:>12} {row['scan_seconds']:5.0f}"
    return start + f" {_figures(row['original'])}" + "".join(_repair_cell(cell) for cell in row["repairs"].values())


def _figures(measured: Row) -> str:
    asr = "    -" if not measured["true_asr"] else f"{100 * max(measured['true_asr']):5.1f}"
    return f"{100 * measured['accuracy']:5.1f} {asr}"


def _repair_cell(cell: Row) -> str:
    if "accuracy" not in cell:
        return " |  nothing written" + " " * 12
    agreement = 100 * (cell.get("agreement") or 0)
    return f" | {_figures(cell)} {agreement:5.1f} {'met' if cell['met'] else '-':>4} {cell['seconds']:4.0f}"


def print_table(rows: list[Row], methods: list[str]) -> None:
    """The table and its summary."""
    head = (
        f"{'model':17} {'attack':18} {'true':>5} {'verdict':12} {'found':>8} {'score':>5} {'plain rule':>12} {'s':>5}"
    )
    cells = "".join(f" | {method:>5} {'ASR':>5} {'agree':>5} {'met':>4} {'s':>4}" for method in methods)
    print(f"{head} {'PA':>5} {'ASR':>5}{cells}")
    for row in sorted(rows, key=lambda row: row["model"]):
        print(format_row(row))
    print_summary(rows, methods)


def print_summary(rows: list[Row], methods: list[str]) -> None:
    """Counts over the whole zoo, the plain rule's beside ours."""
    clean = [row for row in rows if row["attack"] == "clean" and "error" not in row]
    bad = [row for row in rows if row["attack"] != "clean" and "error" not in row]
    alarms = [row for row in clean if row["verdict"] == "backdoored"]
    open_ = [row for row in clean if row["verdict"] == "inconclusive"]
    print(f"\nbackdoored found, true target first: {sum(map(is_right, bad))}/{len(bad)}")
    print(f"clean called backdoored: {len(alarms)}/{len(clean)}; inconclusive: {len(open_)}/{len(clean)}")
    plain_right = [row for row in bad if row["plain_rule"][:1] and row["plain_rule"][0] in row["true_targets"]]
    plain_alarms = [row for row in clean if row["plain_rule"]]
    print(f"plain rule: found {len(plain_right)}/{len(bad)}; clean called backdoored {len(plain_alarms)}/{len(clean)}")
    for method in methods:
        cells = [(row, row["repairs"][method]) for row in bad if "accuracy" in row.get("repairs", {}).get(method, {})]
        if cells:
            asr = [max(cell["true_asr"]) for _, cell in cells]
            lost = [row["original"]["accuracy"] - cell["accuracy"] for row, cell in cells]
            print(
                f"{method}: true ASR mean {100 * sum(asr) / len(asr):.1f} %, worst {100 * max(asr):.1f} %; "
                f"PA lost mean {100 * sum(lost) / len(lost):.2f}, worst {100 * max(lost):.2f} points "
                f"({len(cells)} models)"
            )


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_zoo_options(parser)
    parser.add_argument("--methods", nargs="*", default=["prune", "full"], choices=["prune", "prune+tune", "full"])
    parser.add_argument("--per-class", type=int, default=10, help="the defender's images a class")
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    """Run, print, keep."""
    options = parse()
    zoo = Zoo(options.zoo, options.data)
    names = zoo.names(options.only)
    rows = list(read(options.json).rows) if options.json and options.json.exists() else []  # a second run goes on
    finished = {row["model"]: row for row in rows if "error" not in row}
    rows = list(finished.values())
    for row in run_all(zoo, names, options, finished):
        rows.append(row)
        print(format_row(row), flush=True)
        keep(options.json, "zoo", rows)
    print()
    print_table([row for row in rows if row["model"] in names], options.methods)


if __name__ == "__main__":
    main()
