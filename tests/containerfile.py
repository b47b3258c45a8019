"""The container recipe, read instruction by instruction."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECIPE, IGNORED = ROOT / "Containerfile", ROOT / ".dockerignore"


@dataclass(frozen=True)
class Instruction:
    """One line of a recipe: `RUN`, and what follows it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, where it is written as a list or as plain words."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return self.text.split()


def read_stages() -> list[list[Instruction]]:
    """What comes before the first `FROM`, then one list for each stage."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", RECIPE.read_text(encoding="utf-8")))
    stages: list[list[Instruction]] = [[]]
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append(Instruction(name, rest.strip()))
    return stages


def find(stage: list[Instruction], name: str) -> list[Instruction]:
    """The instructions of that name."""
    return [instruction for instruction in stage if instruction.name == name]
