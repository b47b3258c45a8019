"""Files, modules and targets of make that a page names are there."""

import re
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT
from tests.documentation.test_links import PAGES

CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:onnxaudit|tools|tests|benchmarks|docs|action|\.ci)/[\w./-]*")
MODULE = re.compile(r"python -m ((?:onnxaudit|tools|benchmarks)[\w.]*)")
TARGET = re.compile(r"(?:^\$ |`)make ([a-z]+)", re.MULTILINE)


def find_missing(text: str) -> list[str]:
    """What a page names and the repository does not have."""
    files = [name for name in CODE.findall(text) if FILE.fullmatch(name)]
    modules = [name.replace(".", "/") for name in MODULE.findall(text)]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return [
        *(name for name in files if not (ROOT / name).exists()),
        *(name for name in modules if not (ROOT / f"{name}.py").exists() and not (ROOT / name).is_dir()),
        *(name for name in TARGET.findall(text) if name not in targets),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    assert find_missing(page.read_text(encoding="utf-8")) == []


def test_what_is_not_there_is_found() -> None:
    text = "`tools/missing.py`, `python -m tools.operators`, `make coffee`\n\n$ make tea\n`tools/demo.sh` `make demo`"
    assert find_missing(text) == ["tools/missing.py", "tools/operators", "coffee", "tea"]
