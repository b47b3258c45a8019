"""What a new user has: the built wheel in an empty environment, outside the checkout, installed as the container is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.containerfile import ROOT, find, read_stages
from tests.documentation.pages import read_blocks

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]
_, BUILD, _ = read_stages()


def run(command: list[str], folder: Path, path: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run with no variable of this process but those that pip may need."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    environment = {**kept, "PATH": f"{path}:/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of the environment that the recipe's build stage makes, its folders moved into an empty one."""
    folder = tmp_path_factory.mktemp("image")
    source, python = folder / "source", folder / "python"
    for copy in find(BUILD, "COPY"):
        for name in copy.words[:-1]:
            copied = source / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copied, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / name, copied)
    python.mkdir()
    (python / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (python / "python3").chmod(0o755)
    for step in find(BUILD, "RUN"):
        text = step.text.replace("/opt/onnxaudit", f"{folder}/opt").replace("/wheels", f"{folder}/wheels")
        done = run(["sh", "-c", text], source, str(python), PIP_ARGS=os.environ.get("PIP_ARGS", ""))
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return folder / "opt" / "bin"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A user's repository: two models, clean images, and the policy that the documentation shows."""
    for name in ("signs-lenet-weights", "signs-lenet-clean"):
        (tmp_path / "vendor").mkdir(exist_ok=True)
        shutil.copy(ROOT / "models" / f"{name}.onnx", tmp_path / "vendor")
    shutil.copytree(ROOT / "models" / "samples", tmp_path / "data")
    page = read_blocks((ROOT / "docs" / "how-to" / "write-a-policy.md").read_text(encoding="utf-8"))
    (policy,) = (block.text for block in page if block.title == "ci/policy.toml")
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "policy.toml").write_text(policy, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("model", "data", "code"), [("signs-lenet-weights", "signs", 1), ("signs-lenet-clean", "signs", 0)]
)
def test_the_action_gates_by_the_policy_that_the_documentation_shows(
    programs: Path, workspace: Path, model: str, data: str, code: int
) -> None:
    inputs = {"MODELS": f"vendor/{model}.onnx", "DATA": f"data/{data}.npz", "POLICY": "ci/policy.toml"}
    files = {name: str(workspace / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = run(
        ["bash", str(ROOT / "action" / "scan.sh")],
        workspace,
        str(programs),
        RUNNER_TEMP=str(workspace / "temp"),
        **files,
        **{f"INPUT_{name}": value for name, value in {**inputs, "PROFILE": "standard", "TIME_BUDGET": ""}.items()},
    )
    assert done.returncode == code, done.stderr
    outputs = dict(line.split("=", 1) for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())
    assert outputs["exit-code"] == str(code)
    document = json.loads(Path(outputs["json"]).read_text())
    assert document["reports"][0]["verdict"] == ("backdoored" if code else "clean")
    assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert document["gate"]["policy_sha256"] in Path(files["GITHUB_STEP_SUMMARY"]).read_text()


def test_the_wheel_answers_and_not_the_checkout(programs: Path, tmp_path: Path) -> None:
    done = run(["python", "-c", "import onnxaudit; print(onnxaudit.__file__)"], tmp_path, str(programs))
    assert done.stdout.startswith(str(programs.parent / "lib"))
    assert run(["onnxaudit", "doctor"], tmp_path, str(programs)).returncode == 0


def test_the_environment_signs_and_verifies_and_draws_the_page(programs: Path, workspace: Path) -> None:
    model, data = "vendor/signs-lenet-weights.onnx", "data/signs.npz"
    made = run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem"], workspace, str(programs))
    assert made.returncode == 0, made.stderr
    scan = [
        "onnxaudit",
        "scan",
        model,
        "--data",
        data,
        "--effort",
        "quick",
        "--attest",
        "a.json",
        "--sign-key",
        "key.pem",
    ]
    assert run([*scan, "--html", "r.html", "--bom", "bom.json"], workspace, str(programs)).returncode == 1
    assert (workspace / "r.html").stat().st_size > 10_000
    assert run(["onnxaudit", "verify", model, "--attest", "a.json"], workspace, str(programs)).returncode == 1
