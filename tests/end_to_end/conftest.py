"""The command line on the reference models, in processes of their own: what a user sees."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
FORMATS = ("json", "sarif", "markdown", "junit")


@dataclass(frozen=True)
class Run:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path) -> Run:
    """Run `onnxaudit` as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "onnxaudit", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "120"},
    )
    return Run(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Story:
    """A scan and a repair of a backdoored model, run once for all tests that look at them."""

    folder: Path
    scan: Run
    repair: Run

    def read(self, name: str) -> dict[str, Any]:
        """The only report in a JSON file of the story."""
        (report,) = json.loads((self.folder / name).read_text())["reports"]
        return report


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """`signs-lenet-weights`: scanned with triggers saved, then repaired from the scan's report."""
    folder = tmp_path_factory.mktemp("story")
    model, data = MODELS / "signs-lenet-weights.onnx", MODELS / "samples" / "signs.npz"
    files = [word for name in FORMATS for word in (f"--{name}", folder / f"scan.{name}")]
    scan = run("scan", model, "--data", data, *files, "--save-triggers", folder / "triggers")
    repair = run(
        *("repair", model, "--data", data, "--scan", folder / "scan.json"),
        *("--known-trigger", MODELS / "signs-lenet-weights.trigger.npz"),
        *("--evaluation", MODELS / "samples" / "signs-evaluation.npz"),
        *("--output", folder / "repaired.onnx", "--json", folder / "repair.json"),
        *("--attest", folder / "repaired.att.json"),
    )
    return Story(folder, scan, repair)
