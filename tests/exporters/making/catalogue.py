"""What is known of each model: one entry of `manifest.json` for each file."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "models"
MANIFEST = FOLDER / "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One model.

    Attributes:
        file: its name in `FOLDER`.
        exporter: which route made it.
        version: of the packages that made it.
        architecture: which network.
        head: what the classifying output holds: logits, softmax, logsoftmax, sigmoid or several (outputs).
        batch: the batch that the file fixes; None where it is free.
        output: name of the classifying output where several could be it.
        numbers: how the file computes: float, half or quantised.
    """

    file: str
    exporter: str
    version: str
    architecture: str
    head: str
    batch: int | None
    output: str | None = None
    numbers: str = "float"

    @property
    def path(self) -> Path:
        return FOLDER / self.file


def read_entries() -> list[Entry]:
    """Every model, by file name."""
    return [Entry(**entry) for entry in json.loads(MANIFEST.read_text())]


def record(entries: Collection[Entry]) -> None:
    """Lay `entries` over those of the manifest."""
    known = {entry.file: entry for entry in read_entries()} if MANIFEST.exists() else {}
    known |= {entry.file: entry for entry in entries}
    kept = [asdict(known[file]) for file in sorted(known) if (FOLDER / file).exists()]
    lines = ",\n".join("  " + json.dumps(entry) for entry in kept)
    MANIFEST.write_text(f"[\n{lines}\n]\n")
