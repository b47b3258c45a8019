"""Without PyTorch and graphsurgeon a file is inspected and reports are read; a scan says what it needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onnxaudit.records import ScanDocument
from onnxaudit.report.json import to_json
from tools.testbed.reports import make_scan_report

Told = dict[str, list[object]]  # exit code and stderr of each way
ROOT = Path(__file__).parents[3]
MODEL, DATA = "models/signs-lenet-weights.onnx", "models/samples/signs.npz"
WAYS = (  # a name, and the command; REPORT stands for a report, OUT for a folder
    ("inspect", ["inspect", MODEL, "--json", "OUT/inspect.json"]),
    ("report", ["report", "REPORT", "--markdown", "OUT/report.md"]),
    ("diff", ["diff", "REPORT", "REPORT"]),
    ("policy", ["policy", "show"]),
    ("rules", ["rules"]),
    ("doctor", ["doctor"]),
    ("scan", ["scan", MODEL, "--data", DATA, "--no-progress"]),
    ("scan by one", ["scan", MODEL, "--data", DATA, "--detectors", "patch", "--exit-zero", "--no-progress"]),
    ("repair", ["repair", MODEL, "--data", DATA, "-o", "OUT/fixed.onnx", "--no-progress"]),
    ("detectors", ["detectors"]),
)
SCRIPT = """
import contextlib, io, json, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx_graphsurgeon"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusing())
from onnxaudit.cli.app import main

told = {}
for name, command in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as err:
        told[name] = [main(command), err.getvalue()]
print("told", json.dumps(told))
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slim")


@pytest.fixture(scope="module")
def told(out: Path) -> Told:
    """Exit code and stderr of every way, from one process that has neither package."""
    report = out / "scan.json"
    report.write_text(to_json(ScanDocument((make_scan_report(),))), encoding="utf-8")
    ways = json.dumps(WAYS).replace("OUT", str(out)).replace("REPORT", str(report))
    command = [sys.executable, "-c", SCRIPT, ways]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("told ")
    found: Told = json.loads(last.removeprefix("told "))
    return found


@pytest.mark.parametrize("name", ["diff", "policy", "rules"])
def test_what_computes_with_no_model_works(told: Told, name: str) -> None:
    assert told[name] == [0, ""]


def test_a_report_is_written_anew(told: Told, out: Path) -> None:
    assert told["report"][1] == ""
    assert (out / "report.md").read_text(encoding="utf-8")


def test_a_file_is_read_and_run_and_what_was_not_tried_leaves_it_open(told: Told, out: Path) -> None:
    assert told["inspect"][0] == 3
    found = json.loads((out / "inspect.json").read_text(encoding="utf-8"))["inspection"]
    (sentence,) = found["untried"]
    assert sentence.startswith("PyTorch and onnx-graphsurgeon are not installed here: the file was read and run")
    assert found["model"]["output"]["classes"] == 27
    assert found["obstacles"] == []
    assert all(operator["supported"] for operator in found["operators"])
    assert found["seconds"] is None


@pytest.mark.parametrize("name", ["scan", "scan by one", "repair", "detectors"])
def test_what_computes_with_pytorch_says_in_one_sentence_how_to_get_it(told: Told, name: str) -> None:
    code, said = told[name]
    assert code == 2
    assert isinstance(said, str)
    assert "needs more than a slim install: PyTorch and onnx-graphsurgeon are not installed here" in said
    assert "pip install torch onnx-graphsurgeon" in said
    assert "Error" not in said


def test_the_doctor_names_what_is_missing(told: Told) -> None:
    assert told["doctor"] == [2, ""]
