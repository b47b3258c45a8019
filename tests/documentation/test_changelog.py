"""The changelog is laid out as the rules for versions say."""

import re

from tests.documentation.pages import ROOT

KINDS = ["What changes a verdict", "Added", "Changed", "Deprecated", "Removed", "Fixed"]
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = [part.splitlines() for part in re.split(r"(?m)^## ", TEXT)[1:]]


def test_releases_are_versions_with_a_day_and_what_is_to_come_stands_first() -> None:
    names = [lines[0] for lines in RELEASES]
    assert names[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\)", name) for name in names[1:])


def test_every_release_says_first_what_changes_a_verdict() -> None:
    for lines in RELEASES:
        kinds = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
        assert kinds == [kind for kind in KINDS if kind in kinds]
        assert kinds[0] == KINDS[0]


def test_the_rules_for_versions_name_the_heading() -> None:
    page = (ROOT / "docs" / "explanation" / "versioning.md").read_text(encoding="utf-8")
    assert f"**{KINDS[0]}**" in page
