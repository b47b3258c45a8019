"""Every command that a page shows is run as it stands, or the page says why not."""

from pathlib import Path

import pytest

from tests.documentation.pages import ROOT, Block, find_pages, read_blocks
from tests.documentation.workshop import Workshop, read_commands

PAGES = {str(page.relative_to(ROOT)): read_blocks(page.read_text(encoding="utf-8")) for page in find_pages()}
BLOCKS = [pytest.param(name, block, id=f"{name}:{block.line}") for name, found in PAGES.items() for block in found]


def is_run(block: Block) -> bool:
    """Whether a block holds commands that a test runs."""
    return block.language == "console" and block.not_run is None


def choose_pages(*, slow: bool) -> list[str]:
    """Pages with commands; the slow ones are run twice, by the slow tests as a whole."""
    return [
        name for name, blocks in PAGES.items() if any(is_run(block) and (slow <= bool(block.slow)) for block in blocks)
    ]


def carry_out(blocks: list[Block], folder: Path) -> None:
    """All of them in order, in one folder."""
    workshop = Workshop(folder)
    for block in blocks:
        if block.not_run is None:
            workshop.carry_out(block)


@pytest.mark.parametrize("name", choose_pages(slow=False))
def test_commands_do_what_the_page_says(name: str, tmp_path: Path) -> None:
    carry_out([block for block in PAGES[name] if block.slow is None], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", choose_pages(slow=True))
def test_long_commands_do_what_the_page_says(name: str, tmp_path: Path) -> None:
    carry_out(PAGES[name], tmp_path)


@pytest.mark.parametrize(("name", "block"), BLOCKS)
def test_commands_stand_in_console_blocks_behind_a_prompt(name: str, block: Block) -> None:
    assert block.language not in ("", "sh", "bash", "shell"), f"{name}:{block.line}: what is it? `console` or `text`"
    if block.language == "console":
        assert read_commands(block.text), f"{name}:{block.line}: no line begins with `$ `"
