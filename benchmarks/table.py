"""The evidence table of a zoo: one row a model, with its truth, its description and what every detector measured.

    python -m benchmarks.table --zoo ZOO --data DATA --scans SCANS --output TABLE.jsonl.gz [--per-class 10]
    python -m benchmarks.table --zoo ZOO --data DATA --scans SCANS --output TABLE.jsonl.gz --no-scan
    python -m benchmarks.table --output TABLE.jsonl.gz --more EVIDENCE.json

Scans are kept in `--scans` and used again, so that a run that was stopped goes on; with `--no-scan` only models that
were scanned get a row; with `--held-out` none of them takes part in a fit. Rows of other zoos that `--output` already
holds stay. `--more` adds what a detector that is being tried measured: JSON of model, name and a value for each label.
`tools.calibrate` reads the table.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.detection import scan_one
from benchmarks.zoo_folder import Entry, Zoo
from onnxaudit.records.old_names import rename_detectors
from tools.attacks.registry import ATTACKS
from tools.calibration.table import Row, add_evidence, read_table, shorten, write_table
from tools.zoo.recipes import FIRST_NAMES

OTHER_NAMES = FIRST_NAMES | {"trojan": "trojannn-weights", "warp": "wanet"}
"""What zoos call attacks otherwise than `tools.attacks` does."""


def collect(zoo: Zoo, name: str, report: dict[str, Any], per_class: int) -> Row:
    """One model's row, from a scan report as JSON has it."""
    entry = zoo.entry(name)
    truth, labels = entry.truth, report["labels"]
    triggers = truth["triggers"] if truth["backdoored"] else []
    return Row(
        model=name,
        sha256=truth["sha256"],
        zoo=describe_zoo(zoo, truth),
        kind=describe_kind(entry),
        family=describe_family(entry),
        targets=tuple(sorted({trigger["target"] for trigger in triggers if trigger["target"] is not None})),
        architecture=truth["architecture"],
        dataset=truth["dataset"],
        classes=truth["class_count"],
        shape=tuple(truth["input_shape"]),
        accuracy=round(truth["clean_accuracy"], 4),
        success=tuple(round(trigger["asr"], 4) for trigger in triggers),
        quantized=bool(truth.get("quantized", False)),
        per_class=per_class,
        verdict=report["verdict"],
        score=round(report["score"], 4),
        seconds=round(report["duration_seconds"], 1),
        evidence=read_evidence(labels, truth["class_count"]),
    )


def describe_zoo(zoo: Zoo, truth: dict[str, Any]) -> str:
    """The collection: a folder's name, and which of its parts, where it has several."""
    part = truth.get("split") or (f"series-{truth['series']}" if "series" in truth else None)
    return zoo.folder.name if part is None else f"{zoo.folder.name}/{part}"


def describe_kind(entry: Entry) -> str:
    """The attack under its published name, or the cause of cleanness."""
    truth = entry.truth
    if truth["backdoored"]:
        return OTHER_NAMES.get(entry.attack, entry.attack)
    causes = {"repaired": "clean-repaired", "undertrained": "clean-undertrained"}
    found = [kind for flag, kind in causes.items() if truth.get(flag)]
    return str(truth.get("kind") or (found[0] if found else "clean"))


def describe_family(entry: Entry) -> str:
    """The family of the attack, or "clean"."""
    if not entry.truth["backdoored"]:
        return "clean"
    attack = ATTACKS.get(describe_kind(entry))
    return attack.family if attack else describe_kind(entry)


def read_evidence(labels: list[dict[str, Any]], classes: int) -> dict[str, list[float | None]]:
    """By name, a value for each label: ratios of all detectors, and the columns of the report that are evidence."""
    evidence: dict[str, list[float | None]] = {}
    for row in labels:
        values = rename_detectors(row["ratios"]) | {
            "mask_l1": row["mask_l1"],
            "success": row["success_rate"]["value"],
            "log_index": row["log_index"],
            "log_odds": row["log_odds"],
        }
        for name, value in values.items():
            evidence.setdefault(str(name), [None] * classes)[row["label"]] = shorten(value)
    return evidence


def collect_all(options: argparse.Namespace) -> Iterator[Row]:
    """Rows of all models of a zoo, scanning those that were not."""
    zoo = Zoo(options.zoo, options.data)
    for name in zoo.names():
        if options.only and not any(part in name for part in options.only):
            continue
        scans = options.scans / f"{options.per_class}-{options.seed}"
        path = scans / (f"{name}.json" if options.seed == 0 else f"{name}.{options.seed}.json")
        if not path.exists() and not options.no_scan:
            done = scan_one(zoo, name, options.per_class, options.seed, scans)
            print(f"{name}: {done.verdict} {done.score:.2f} ({done.seconds:.0f} s)", flush=True)
        if path.exists():
            yield collect(zoo, name, json.loads(path.read_text())["reports"][0], options.per_class)


def main() -> None:
    """Collect, merge and write."""
    options = _parse()
    kept = {(row.zoo, row.model, row.per_class): row for row in _read(options.output)}
    if options.zoo:
        for row in collect_all(options):
            before = kept.get((row.zoo, row.model, row.per_class))
            evidence = {**(before.evidence if before else {}), **row.evidence}
            held_out = options.held_out or (before is not None and before.held_out)
            kept[row.zoo, row.model, row.per_class] = replace(row, evidence=evidence, held_out=held_out)
            write_table(kept.values(), options.output)
    rows = list(kept.values())
    if options.more:
        rows = add_evidence(rows, json.loads(options.more.read_text()))
    write_table(rows, options.output)
    print(f"{len(rows)} rows, {sum(row.backdoored for row in rows)} backdoored, {options.output.stat().st_size} bytes")


def _read(path: Path) -> list[Row]:
    return read_table(path) if path.exists() else []


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, help="folder with index.json, models and truth/")
    parser.add_argument("--data", type=Path, help="folder with the data sets' .npz files")
    parser.add_argument("--scans", type=Path, help="folder of scan reports, used again by later runs")
    parser.add_argument("--output", type=Path, required=True, help="the table; rows that it holds stay")
    parser.add_argument("--only", nargs="*", default=[], help="names or parts of names of models")
    parser.add_argument("--per-class", type=int, default=10, help="clean images a class; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-scan", action="store_true", help="take only what was scanned")
    parser.add_argument("--held-out", action="store_true", help="these take part in no fit")
    parser.add_argument("--more", type=Path, help="evidence to add: JSON of model, name, values by label")
    return parser.parse_args()


if __name__ == "__main__":
    main()
