"""mypy reads everything strictly; what is let off stands in one list, and none of it is silenced whole."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MYPY: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]


def test_every_folder_of_python_is_checked_strictly() -> None:
    folders = {folder.name for folder in ROOT.iterdir() if list(folder.glob("*.py")) or list(folder.glob("unit/*.py"))}
    assert set(MYPY["files"]) == folders
    assert MYPY["strict"] is True


def test_no_module_of_the_project_is_silenced() -> None:
    for override in MYPY["overrides"]:
        assert not {"ignore_errors", "follow_imports"} & set(override)
        ours = [name for name in override["module"] if name.split(".")[0] in MYPY["files"]]
        assert not ours or "ignore_missing_imports" not in override
        assert not any(name.startswith("onnxaudit") for name in ours)
