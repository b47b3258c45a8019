"""Tables and names in Markdown."""

from collections.abc import Iterable, Sequence


def write_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are one line each."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(map(_write_cell, line))} |\n" for line in lines)


def write_code(text: object) -> str:
    """As code."""
    return f"`{text}`"


def start_sentence(text: str) -> str:
    """With a capital and a full stop, unless it begins with code."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "." if text else ""


def _write_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
