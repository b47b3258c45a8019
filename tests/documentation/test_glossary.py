"""The glossary has the terms that users search for, each with a meaning, and names papers that it lists."""

import re

import pytest

from tests.documentation.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "glossary.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" |")] for line in TEXT.splitlines() if line.startswith("| ")]
ENTRIES = {row[0]: row for row in ROWS if row[0] != "term"}
TERMS = (
    *("attack success rate (ASR)", "clean accuracy", "prediction accuracy", "agreement", "poisoned accuracy (PACC)"),
    *("false positive rate", "false negative rate", "trigger", "mask", "pattern", "target class", "source class"),
    *("all-to-one", "all-to-all", "source-specific", "clean-label", "input-aware", "poisoning rate"),
    *("BadNets", "Blended", "SIG", "WaNet", "TrojanNN", "Neural Cleanse", "anomaly index", "latent inversion"),
    *("spectral perturbation", "photometric trigger", "warp", "maximum margin", "universal perturbation"),
    *("screening", "refinement", "detector", "Fine-Pruning", "distillation", "least squares", "re-activation"),
    *("supply chain attack", "MITRE ATLAS AML.T0018", "MITRE ATLAS AML.T0020", "OWASP ML10", "CWE-506"),
    *("SARIF", "in-toto"),
)


@pytest.mark.parametrize("term", TERMS)
def test_the_term_has_a_meaning(term: str) -> None:
    assert len(ENTRIES[term]) == 5
    assert ENTRIES[term][2]


def test_every_paper_that_is_named_is_listed() -> None:
    listed = set(re.findall(r"^- \*\*(.+?)\*\*: ", TEXT, re.MULTILINE))
    named = set(re.findall(r"\[([^\]]+)\]\(#papers\)", TEXT))
    assert named <= listed
    assert named == listed, "a paper that no term needs"


def test_no_term_stands_twice() -> None:
    terms = [row[0] for row in ROWS if row[0] != "term"]
    assert len(terms) == len(set(terms))


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "mkdocs.yml"])
def test_the_glossary_is_linked(page: str) -> None:
    assert "reference/glossary.md" in (ROOT / page).read_text(encoding="utf-8")
