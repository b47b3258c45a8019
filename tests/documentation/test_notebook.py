"""The notebook of the tutorial: kept without outputs, and it runs from its first cell to its last."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.pages import ROOT

NOTEBOOK = ROOT / "docs" / "tutorial" / "notebook.ipynb"
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def read_cells(path: Path = NOTEBOOK) -> list[dict[str, Any]]:
    """Its cells that hold code."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_it_is_kept_without_outputs() -> None:
    assert [cell for cell in read_cells() if cell["outputs"] or cell["execution_count"] is not None] == []


def test_its_cells_are_python() -> None:
    for cell in read_cells():
        compile("".join(cell["source"]), cell["id"], "exec")


@pytest.mark.slow
def test_it_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    for name in ("nbclient", "ipykernel"):
        pytest.importorskip(name, reason=f"{name} is not installed; the extra `dev` brings it")
    shown, done = tmp_path / "shown.ipynb", tmp_path / "done.ipynb"
    folder = tmp_path / "home"
    folder.mkdir()
    shown.write_text(NOTEBOOK.read_text(encoding="utf-8"), encoding="utf-8")
    variables = {name: str(folder) for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN, str(shown), str(done)]
    ran = subprocess.run(command, cwd=NOTEBOOK.parent, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    outputs = [output for cell in read_cells(done) for output in cell["outputs"]]
    told = "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    shown_as = [kind for output in outputs for kind in output.get("data", {})]
    assert "backdoored score" in told
    assert "repaired -> fixed.onnx" in told
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert shown_as.count("image/svg+xml") == 2
    assert "".join(str(output) for output in outputs).count("<iframe") == 2
    assert "<progress" in "".join(str(output) for output in outputs)
