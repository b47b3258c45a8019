"""Relative links lead to a file that is there, and to a heading that it has."""

import re
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT, drop_blocks

LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)\)")
HEADING = re.compile(r"#{1,6} (.+)")
SKIPPED = {".git", ".venv", "build", "demo-output", "node_modules"}
PAGES = sorted(page for page in ROOT.rglob("*.md") if not SKIPPED & {*page.relative_to(ROOT).parts})


def find_links(text: str) -> list[str]:
    """Targets of the links and pictures of a page, also of pictures that are links."""
    plain = re.sub(r"(`+).+?\1", "", drop_blocks(text), flags=re.DOTALL)
    outer = LINK.findall(plain)
    return outer + re.findall(r"\[!\[[^\]]*\]\(([^)\s]+)\)\]", plain)


def find_anchors(text: str) -> set[str]:
    """What headings can be linked by: as GitHub and Python-Markdown name them."""
    headings = filter(None, (HEADING.fullmatch(line) for line in drop_blocks(text).splitlines()))
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading[1].strip().lower())) for heading in headings}


def is_broken(link: str, page: Path) -> bool:
    """Whether a link of a page leads nowhere; addresses elsewhere are not looked at."""
    if re.match(r"[a-z]+:", link):
        return False
    name, _, anchor = link.partition("#")
    target = (page.parent / name) if name else page
    if not target.exists() or not target.resolve().is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in find_anchors(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in find_links(page.read_text(encoding="utf-8")) if is_broken(link, page)] == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    assert is_broken("docs/missing.md", page)
    assert is_broken("#no-such-heading", page)
    assert is_broken(str(tmp_path), page)
    assert not is_broken("#install", page)
    assert not is_broken("models/README.md#data", page)


def test_links_are_found_within_links_but_not_in_code() -> None:
    text = "[![a](b.png)](c.md#d) and [e](f.md)\n`[g](h)`\n```text\n[i](j)\n```\n"
    assert sorted(find_links(text)) == ["b.png", "c.md#d", "f.md"]
