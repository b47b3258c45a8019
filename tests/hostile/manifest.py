"""The manifest of the corpus: `python -m tests.hostile.manifest` writes it; a test holds it to the corpus."""

import json
from pathlib import Path

from tests.hostile.corpus import CASES

MANIFEST = Path(__file__).with_name("manifest.json")


def describe() -> str:
    """All cases with the answers that are right and what these may cost, as JSON."""
    rows = [
        {
            "kind": case.kind,
            "name": case.name,
            "answer": case.answer,
            "says": case.says,
            "exit": {"inspect": case.codes[0], "scan": case.codes[1]},
            "seconds": case.seconds,
            "mebibytes": case.memory // 2**20,
        }
        for case in sorted(CASES.values(), key=lambda one: (one.kind, one.name))
    ]
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n"


if __name__ == "__main__":
    MANIFEST.write_text(describe(), encoding="utf-8")
