"""The evidence of every detector over the reference models, to the last bit: what a refactoring must not change.

    python -m benchmarks.evidence --output before.json [--only NAME ...] [--repair NAME ...]
    python -m benchmarks.evidence --against before.json [--only NAME ...] [--repair NAME ...]

`tests/golden/evidence/` keeps such files, which `tests/unit/benchmarks/test_evidence.py` compares with.

Each model is scanned with its clean samples and the standard effort. Numbers are written as hexadecimal floats,
triggers and repaired weights as SHA-256. With `--against` every difference is printed, and the exit code is 1 if there
is one.
Equality to the last bit is to be expected on one machine only: other processors round sums in another order.
"""

import argparse
import hashlib
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch

import onnxaudit
from onnxaudit.records import ScanReport
from onnxaudit.records.old_names import rename_detectors

MODELS = Path(__file__).parents[1] / "models"
REPAIRED = ("signs-lenet-weights", "fashion-lenet-activation")


def list_models() -> list[str]:
    """Names of the reference models, sorted."""
    return sorted(path.stem for path in MODELS.glob("*.onnx"))


def collect(name: str) -> dict[str, Any]:
    """Everything that a scan measured on one reference model, without times and words."""
    return describe(onnxaudit.scan(MODELS / f"{name}.onnx", _samples(name)))


def describe(report: ScanReport) -> dict[str, Any]:
    """Everything that a scan measured, numbers as hexadecimal floats."""
    return {
        "verdict": report.verdict.value,
        "score": report.score.hex(),
        "targets": list(report.target_labels),
        "labels": [
            {
                "label": row.label,
                "status": row.status.value,
                "mask_l1": _exact(row.mask_l1),
                "success": row.success_rate.successes,
                "ratios": {str(detector): _exact(ratio) for detector, ratio in row.ratios.items()},
                "log_odds": _exact(row.log_odds),
                "passes": row.passes,
            }
            for row in report.labels
        ],
        "triggers": {str(finding.label): finding.digest for finding in report.triggers},
        "universal": None if report.universal is None else report.universal.trigger.digest,
    }


def describe_machine() -> dict[str, str]:
    """What decides how sums are rounded."""
    capability = torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__, "cpu": capability, "machine": platform.machine()}


def repair(name: str) -> dict[str, Any]:
    """What a full repair made of one reference model: outcome, figures, and a digest of all weights."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "repaired.onnx"
        report = onnxaudit.repair(MODELS / f"{name}.onnx", _samples(name), output, allow_incomplete=True)
        digest = hashlib.sha256()
        if output.exists():
            for weight in sorted(onnx.load(output).graph.initializer, key=lambda weight: weight.name):
                digest.update(weight.name.encode() + onnx.numpy_helper.to_array(weight).tobytes())
    return {
        "outcome": report.outcome,
        "targets": list(report.targets),
        "pruned": list(report.pruned),
        "weights": digest.hexdigest(),
    }


def compare(before: Any, after: Any, place: str = "") -> list[str]:
    """Where two documents differ, one line each; what only one has counts, but for models and new detectors."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() & after.keys()) if "/" not in place else sorted(before.keys() | after.keys())
        if place.endswith("/ratios"):
            keys = sorted(before)
        return [line for key in keys for line in compare(before.get(key), after.get(key), f"{place}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, (one, other) in pairs for line in compare(one, other, f"{place}/{index}")]
    return [] if before == after else [f"{place}: {before} -> {after}"]


def _read(path: Path) -> dict[str, Any]:
    """Evidence from a file, under the present names of detectors."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for scan in document["scans"].values():
        for row in scan["labels"]:
            row["ratios"] = rename_detectors(row["ratios"])
    return document


def _samples(name: str) -> Path:
    return MODELS / "samples" / f"{name.split('-')[0]}.npz"


def _exact(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="where to write the evidence")
    parser.add_argument("--against", type=Path, help="evidence to compare with")
    parser.add_argument("--only", nargs="*", default=None, help="names of models (default: all)")
    parser.add_argument("--repair", nargs="*", default=[], help="names of models to repair as well")
    options = parser.parse_args()
    document: dict[str, dict[str, Any]] = {"machine": describe_machine(), "scans": {}, "repairs": {}}
    for name in list_models() if options.only is None else options.only:
        document["scans"][name] = collect(name)
        print(f"{name}: {document['scans'][name]['verdict']}", file=sys.stderr, flush=True)
    for name in options.repair:
        document["repairs"][name] = repair(name)
        print(f"{name}: {document['repairs'][name]['outcome']}", file=sys.stderr, flush=True)
    if options.output:
        options.output.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if not options.against:
        return 0
    before = _read(options.against)
    found = [line for part in ("scans", "repairs") for line in compare(before[part], document[part], part)]
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
