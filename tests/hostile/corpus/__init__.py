"""Files that work against their audit, broken files, and honest unusual ones, each with the answer that is right.

One module a kind. `manifest.json` beside it lists all of them; `python -m tests.hostile.manifest` writes it.
"""

from tests.hostile.corpus import (
    archives,
    batches,
    bombs,
    budgets,
    chance,
    damaged,
    deployed,
    honest,
    names,
    pictures,
    places,
    readers,
    scores,
    stored,
)
from tests.hostile.corpus.case import CASES, Case

KINDS = (
    deployed,
    batches,
    chance,
    readers,
    places,
    names,
    scores,
    stored,
    budgets,
    bombs,
    damaged,
    archives,
    pictures,
    honest,
)

__all__ = ["CASES", "KINDS", "Case"]
