"""The pages that people read, and what is fenced in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITH_COMMANDS = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<language>[\w+-]*)(?P<rest>[^`]*)")
REASON = re.compile(r"\s*<!-- (not run|slow): (\S.*) -->")
TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        line: number of its first fence, from 1.
        language: what follows the fence.
        text: between the fences, without their indentation.
        title: the file that it shows; None where it names none.
        not_run: why its commands are not run; None where they are.
        slow: why they are run by the slow tests alone; None where they are not.
    """

    line: int
    language: str
    text: str
    title: str | None = None
    not_run: str | None = None
    slow: str | None = None


def find_pages() -> list[Path]:
    """Every page whose commands a reader may type."""
    return [*(ROOT / name for name in WITH_COMMANDS), *sorted((ROOT / "docs").rglob("*.md"))]


def read_blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    lines = text.splitlines()
    blocks, number = [], 0
    while number < len(lines):
        opening = FENCE.fullmatch(lines[number])
        if opening is None:
            number += 1
            continue
        end = _find_end(lines, number + 1, opening["indent"] + opening["marks"])
        inner = [line.removeprefix(opening["indent"]) for line in lines[number + 1 : end]]
        blocks.append(_make_block(number, opening, inner, lines[number - 1] if number else ""))
        number = end + 1
    return blocks


def drop_blocks(text: str) -> str:
    """The page without what is fenced."""
    lines = text.splitlines()
    for block in read_blocks(text):
        for number in range(block.line - 1, block.line + len(block.text.splitlines()) + 1):
            lines[number] = ""
    return "\n".join(lines)


def _find_end(lines: list[str], start: int, fence: str) -> int:
    for number in range(start, len(lines)):
        if lines[number].rstrip() == fence:
            return number
    raise ValueError(f"line {start}: the block has no end")


def _make_block(number: int, opening: re.Match[str], inner: list[str], above: str) -> Block:
    title, reason = TITLE.search(opening["rest"]), REASON.fullmatch(above)
    reasons = {} if reason is None else {reason[1].replace(" ", "_"): reason[2]}
    text = "".join(line + "\n" for line in inner)
    return Block(number + 1, opening["language"], text, title and title[1], **reasons)
