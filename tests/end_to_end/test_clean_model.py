"""Repairs of a reference model that has no backdoor: nothing changes unless a label is forced."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import MODELS, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clean")]
MODEL, DATA = MODELS / "signs-lenet-clean.onnx", MODELS / "samples" / "signs.npz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the report of a scan."""
    folder = tmp_path_factory.mktemp("clean")
    assert run("scan", MODEL, "--data", DATA, "--json", folder / "scan.json", "-q").code in (0, 3)
    return folder


def test_nothing_is_written_where_no_label_is_called_backdoored(folder: Path) -> None:
    before, output = MODEL.read_bytes(), folder / "unforced.onnx"
    scan = json.loads((folder / "scan.json").read_text())["reports"][0]
    done = run("repair", MODEL, "--data", DATA, "--output", output, "--scan", folder / "scan.json")
    assert done.code == {"clean": 0, "inconclusive": 3}[scan["verdict"]]
    assert not output.exists()
    assert MODEL.read_bytes() == before


def test_a_forced_repair_keeps_the_answers_or_writes_nothing(folder: Path) -> None:
    output, report = folder / "forced.onnx", folder / "repair.json"
    sources = ("--data", DATA, "--scan", folder / "scan.json")
    done = run("repair", MODEL, *sources, "--target", "3", "--output", output, "--json", report)
    repaired = json.loads(report.read_text())["reports"][0]
    assert output.exists() == (done.code == 0) == repaired["met"]
    if output.exists():
        assert repaired["repaired"]["agreement"]["value"] >= 0.97
    else:
        assert done.code == 1
        assert any("the limit is" in reason for reason in repaired["reasons"])
