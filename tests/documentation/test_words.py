"""Public pages, also those written from docstrings, and help texts speak the field's language, in American spelling.

`docs/reference/glossary.md` has the terms; here are the private words that they replaced.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from onnxaudit.cli.app import app
from tests.documentation.pages import ROOT, find_pages

OLD = {
    r"(?<![-\w])(?:first|second|closer|cheap|quick|whole|four|six|\d) looks?\b": "screening, refinement, detector",
    r"\b(?:a|the|each|every|which|new|by each) looks?\b(?! (?:at|for|like|up)\b)": "detector",
    r"\b(?:the|few|by|as|its) waves\b|\bwaves\b(?= (?:look|lead|detector))": "spectral perturbation",
    r"\btones?\b": "photometric perturbation",
    r"\bshifts? of inner features were\b|\blatent shifts\b": "latent inversion",
    r"\bwhole-image (?:ways?|changes?)\b": "spectral, warp, photometric perturbation",
    r"\bgate rooms?\b|\bprinting rooms?\b": "package",
    r"\b(?:un)?stamped\b": "triggered",
    r"\bfalse alarms?\b": "false positive",
    r"\bconvict(?:s|ed|ion)?\b": "backdoored",
    r"\baccus(?:e[sd]?)\b": "names as a target",
    r"\bjudge[sd]?\b|\bjudgements?\b": "decide, verdict",
    r"\btrue success\b": "attack success rate",
    r"\bhand(?:s|ed)? back\b|\bt(?:ake|ook|aken) the backdoor out\b": "return, remove",
    r"--profile\b": "--effort",
    r"--label\b": "--target",
    r"\b\w*(?:behaviour|colour|favourit|neighbour|defence|licence|centre|labelled|misspelt)\w*": "American spelling",
    r"\b\w*(?:optimi|quanti|normali|initiali|minimi|maximi|summari|organi|reali|recogni|synthesi|speciali)s"
    r"(?:e|ed|es|er|ers|ing|ation|ations)\b": "American spelling",
    r"\b(?:un)?learnt\b": "American spelling",
}
ALLOWED = ("versioning.md", "glossary.md")  # these name what is deprecated, and what terms are also called
PUBLIC = [page for page in find_pages() if page.name not in ALLOWED]


def find_old(text: str) -> list[str]:
    """Private words in a text, with what to say instead."""
    return [f"{found[0]}: {instead}" for old, instead in OLD.items() for found in re.finditer(old, text, re.IGNORECASE)]


def list_helps(command: Any = None, name: str = "onnxaudit") -> Iterator[tuple[str, str]]:
    """What each command and each of its options says of itself."""
    command = typer.main.get_command(app) if command is None else command
    yield name, "\n".join([command.help or "", *(getattr(one, "help", None) or "" for one in command.params)])
    for inner, found in getattr(command, "commands", {}).items():
        yield from list_helps(found, f"{name} {inner}")


@pytest.mark.parametrize("page", PUBLIC, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_speak_the_language_of_the_field(page: Path) -> None:
    assert find_old(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("name", "text"), [pytest.param(*told, id=told[0]) for told in list_helps()])
def test_help_texts_speak_the_language_of_the_field(name: str, text: str) -> None:
    assert find_old(text) == [], name


@pytest.mark.parametrize(
    "term",
    [
        *(
            "attack success rate",
            "ASR",
            "clean accuracy",
            "agreement",
            "false positive",
            "false negative",
            "target class",
        ),
        *("BadNets", "Blended", "SIG", "WaNet", "TrojanNN", "all-to-all", "source-specific", "input-aware"),
        *("trigger", "mask", "pattern", "latent inversion", "spectral", "photometric", "warp", "supply chain"),
        *("Neural Cleanse", "Fine-Pruning", "AML.T0018", "AML.T0020", "ML10", "CWE-506"),
    ],
)
def test_terms_that_people_search_for_occur_outside_of_the_glossary(term: str) -> None:
    texts = [" ".join(page.read_text(encoding="utf-8").split()).lower() for page in PUBLIC]
    assert any(term.lower() in text for text in texts)


@pytest.mark.parametrize(
    "text",
    ["a closer look", "By each look", "made of few waves", "unstamped images", "a false alarm", "colours", "optimised"],
)
def test_private_words_are_found(text: str) -> None:
    assert find_old(text)


@pytest.mark.parametrize(
    "text", ["look at the trigger", "what it looks like", "look up a term", "a raise", "otherwise"]
)
def test_plain_english_is_left_alone(text: str) -> None:
    assert not find_old(text)
