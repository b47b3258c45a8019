import re

import pytest

from tests.documentation.pages import ROOT
from tools.reference import operators
from tools.reference.pages import FOLDER, PAGES, write_page

BY_HAND = {"glossary.md"}


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == write_page(name), "run `python -m tools.reference`"


def test_every_reference_page_is_written() -> None:
    assert {page.name for page in FOLDER.iterdir()} == {*PAGES, *BY_HAND}


def test_readme_states_how_many_operators_there_are() -> None:
    stated = re.search(r"\((\d+) at present\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    counted = re.search(r"^(\d+) operators", operators.write_page(), re.MULTILINE)
    assert stated is not None
    assert counted is not None
    assert stated.group(1) == counted.group(1)


def test_every_operator_says_what_it_computes() -> None:
    rows = [line for line in operators.write_page().splitlines() if line.startswith("| ")]
    assert all(len(line.split(" | ")) >= 3 and not line.endswith("|  |") for line in rows)
