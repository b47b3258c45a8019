"""The manifest of the corpus: `python -m tests.hostile.manifest` writes it; a test holds it to the corpus."""

import json
from collections import Counter
from pathlib import Path

from tests.hostile.corpus import CASES, KINDS

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


def summarize() -> str:
    """A table of the kinds, for the threat model."""
    rows = ["| kind | what is tried | cases | rejected | refused | opened |", "|---|---|---|---|---|---|"]
    for module in KINDS:
        kind = module.__name__.rpartition(".")[2]
        answers = Counter(case.answer for case in CASES.values() if case.kind == kind)
        what = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
        counts = " | ".join(str(answers[answer]) for answer in ("rejected", "refused", "opened"))
        rows.append(f"| {kind} | {what} | {answers.total()} | {counts} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    MANIFEST.write_text(describe(), encoding="utf-8")
