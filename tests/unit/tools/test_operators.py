import re
from pathlib import Path

from tools.operators import write_page

ROOT = Path(__file__).parents[3]


def test_table_of_operators_is_what_the_registry_holds() -> None:
    written = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert written == write_page(), "run `python -m tools.operators`"


def test_readme_states_how_many_operators_there_are() -> None:
    stated = re.search(r"\((\d+) at present\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    counted = re.search(r"^(\d+) operators", write_page(), re.MULTILINE)
    assert stated is not None
    assert counted is not None
    assert stated.group(1) == counted.group(1)


def test_every_operator_says_what_it_computes() -> None:
    rows = [line for line in write_page().splitlines() if line.startswith("| ")]
    assert all(len(line.split(" | ")) >= 3 and not line.endswith("|  |") for line in rows)
