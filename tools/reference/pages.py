"""Writes the reference pages.

    python -m tools.reference

A test compares the files with what would be written.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference import api, cli, detectors, environment, operators, policy, reasons, report, rules

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
NOTE = "<!-- Written by `python -m tools.reference`; do not edit. -->\n\n"
PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli.write_page,
    "report.md": report.write_page,
    "policy.md": policy.write_page,
    "rules.md": rules.write_page,
    "reasons.md": reasons.write_page,
    "detectors.md": detectors.write_page,
    "api.md": api.write_page,
    "operators.md": operators.write_page,
    "environment.md": environment.write_page,
}


def write_page(name: str) -> str:
    """The whole text of a page."""
    return NOTE + PAGES[name]()


def main() -> None:
    """Write every page."""
    for name in PAGES:
        (FOLDER / name).write_text(write_page(name), encoding="utf-8")
        print(f"wrote {FOLDER / name}")
