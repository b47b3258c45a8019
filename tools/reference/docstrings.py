"""What docstrings in Google's style say, section by section."""

import inspect
import re
from dataclasses import dataclass, field

SECTION = re.compile(r"(Args|Attributes|Raises|Returns):")
ITEM = re.compile(r"(\w+(?:, \w+)*): (.*)")


@dataclass(frozen=True)
class Docstring:
    """A docstring's parts.

    Attributes:
        text: everything before the first section, paragraphs apart.
        sections: by heading: what is said of each name. A section of plain text has it under "".
    """

    text: str
    sections: dict[str, dict[str, str]] = field(default_factory=dict)

    def describe(self, section: str) -> dict[str, str]:
        """What a section says of each name; nothing where there is no such section."""
        return self.sections.get(section, {})


def read_docstring(text: str | None) -> Docstring:
    """The parts of a docstring."""
    head: list[str] = []
    sections: dict[str, list[str]] = {}
    lines = head
    for line in inspect.cleandoc(text or "").splitlines():
        heading = SECTION.fullmatch(line)
        if heading is not None:
            lines = sections[heading[1]] = []
        else:
            lines.append(line)
    return Docstring("\n".join(head).strip(), {name: _read_items(found) for name, found in sections.items()})


def _read_items(lines: list[str]) -> dict[str, str]:
    """Items begin four spaces in; what stands further in goes on."""
    items: dict[str, str] = {}
    names = [""]
    for line in lines:
        begun = ITEM.fullmatch(line[4:]) if line[4:5].strip() else None
        if begun is not None:
            names = begun[1].split(", ")
            items |= dict.fromkeys(names, begun[2])
        elif line.strip():
            items |= {name: f"{items.get(name, '')} {line.strip()}".strip() for name in names}
    return items
