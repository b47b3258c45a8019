"""`inspect` and `doctor` on the command line."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MODEL = "models/signs-lenet-weights.onnx"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onnxaudit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_model_is_inspected_without_a_word_on_stderr() -> None:
    process = run("inspect", MODEL)
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    assert process.stdout.startswith(f"CAN BE SCANNED  {MODEL}\n")
    assert "27 classes" in process.stdout


def test_a_model_that_cannot_be_read_is_a_document_too() -> None:
    process = run("inspect", "README.md", "--format", "json")
    assert process.returncode == 2
    assert json.loads(process.stdout)["inspection"]["obstacles"]


def test_a_model_that_is_not_there_is_a_document_too() -> None:
    process = run("inspect", "README.onnx", "--format", "json")
    assert process.returncode == 2
    assert "README.onnx" in json.loads(process.stdout)["error"]


def test_a_deeper_scan_takes_longer() -> None:
    usual, deep = (
        json.loads(run("inspect", MODEL, "--format", "json", *option).stdout)["inspection"]["seconds"]
        for option in ([], ["--effort", "deep"])
    )
    assert deep > usual


def test_the_doctor_answers_in_json() -> None:
    checks = json.loads(run("doctor", "--format", "json").stdout)["checks"]
    assert {check["status"] for check in checks} <= {"ok", "warning", "error"}
