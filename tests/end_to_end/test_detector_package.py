"""The detector that the documentation shows, installed as a package of its own into a folder, and run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.documentation.pages import ROOT, read_blocks
from tools.testbed.planted import BODY, draw_samples, make_weights
from tools.testbed.tiny_models import build, write

PAGE = ROOT / "docs" / "how-to" / "write-a-detector.md"
SCAN = ("scan", "model.onnx", "--data", "data.npz", "--effort", "quick")


def install(folder: Path, **changes: str) -> Path:
    """The folder into which the page's package was installed; `changes` are made in its module."""
    source, target = folder / "source", folder / "site"
    source.mkdir()
    for block in read_blocks(PAGE.read_text(encoding="utf-8")):
        if block.title is not None:
            text = block.text
            for old, new in changes.items():
                text = text.replace(old, new)
            (source / block.title).write_text(text, encoding="utf-8")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)]
    subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True)
    return target


def run(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT)])
    command = [sys.executable, "-m", "onnxaudit", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, samples, and the package."""
    folder = tmp_path_factory.mktemp("detector")
    write(build(BODY, make_weights(backdoored=True)), folder)
    drawn: dict[str, Any] = draw_samples(6, seed=9)
    np.savez(folder / "data.npz", **drawn)
    install(folder)
    return folder


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_page_shows_a_short_detector() -> None:
    (module,) = (block for block in read_blocks(PAGE.read_text(encoding="utf-8")) if block.language == "python")
    lines = module.text[module.text.index("@detector") :].splitlines()
    assert len([line for line in lines if line.strip()]) <= 45


def test_it_is_listed_with_its_package(folder: Path) -> None:
    done = run(folder, folder / "site", "detectors", "--json", "-")
    found = {one["id"]: one for one in json.loads(done.stdout)["detectors"]}
    assert found["brightness"]["package"] == "onnxaudit-brightness 1.0"
    assert found["brightness"]["weighed"] is False


def test_its_evidence_stands_in_json_page_and_sarif_and_weighs_nothing(folder: Path) -> None:
    with_it = ("--detectors", "standard,brightness", "--json", "report.json", "--html", "page.html")
    done = run(folder, folder / "site", *SCAN, *with_it, "--sarif", "report.sarif")
    assert done.returncode in (0, 1, 3), done.stderr
    (report,) = read_json(folder / "report.json")["reports"]
    assert all(row["ratios"]["brightness"] >= 0 for row in report["labels"])
    assert "brightness" in [one["detector"]["id"] for one in report["detectors"]]
    assert "The least change of brightness that sends images" in (folder / "page.html").read_text(encoding="utf-8")
    (artifact,) = read_json(folder / "report.sarif")["runs"][0]["artifacts"]
    assert artifact["properties"]["evidence"]["brightness"]["weighed"] is False
    run(folder, folder / "site", *SCAN, "--json", "without.json")
    (without,) = read_json(folder / "without.json")["reports"]
    assert (without["score"], without["verdict"]) == (report["score"], report["verdict"])
    assert "brightness" not in without["labels"][0]["ratios"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("import torch\n", "import sonar_that_is_nowhere\n", "cannot be loaded: ModuleNotFoundError"),
        ("range(1,", "rang(1,", "failed: NameError"),
        ("distances[label] = min(distances[label], abs(change))", "distances[label] = float('nan')", "no distance"),
        ('id = "brightness"', 'id = "Bright!"', "no id of a detector"),
    ],
)
def test_a_broken_package_is_one_clear_error(folder: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    site = install(tmp_path, **{old: new})
    done = run(folder, site, *SCAN, "--detectors", "patch,brightness")
    assert done.returncode == 2
    assert said in done.stderr
    assert "brightness" in done.stderr.casefold()
    assert "Traceback" not in done.stderr


def test_a_broken_package_that_nobody_names_changes_nothing(folder: Path, tmp_path: Path) -> None:
    site = install(tmp_path, **{"import torch\n": "import sonar_that_is_nowhere\n"})
    assert run(folder, site, *SCAN, "--detectors", "patch").returncode in (1, 3)
