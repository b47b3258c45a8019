"""No page and no message names something of ours to install under a name that somebody else could own."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("onnxaudit", "docs", "action", "models", "tools", ".github")
KINDS = {".py", ".md", ".html", ".yml", ".yaml", ".toml", ".txt", ""}
FILES = sorted(
    path
    for path in (*(one for name in FOLDERS for one in (ROOT / name).rglob("*")), *ROOT.iterdir())
    if path.is_file() and path.suffix in KINDS and "__pycache__" not in path.parts
)
OURS = re.compile(
    r"onnxaudit\[|(pip|pipx|uv|uvx|conda|brew)\s+(tool\s+)?(install|run|add)?\s*['\"]?onnxaudit\b"
    r"|[A-Za-z0-9-]+/onnxaudit@|docker\.io/\S*onnxaudit|ghcr\.io/\S*onnxaudit"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_names_a_package_of_ours_that_nobody_has_published(file: Path) -> None:
    found = [match[0] for match in OURS.finditer(file.read_text(encoding="utf-8", errors="replace"))]
    assert not [one for one in found if not one.startswith("pip install /")]
