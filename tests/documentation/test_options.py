"""Every option of onnxaudit that a page names exists, also where its command is not run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from onnxaudit.cli.app import app
from tests.documentation.pages import ROOT, drop_blocks, find_pages, read_blocks

OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
PROGRAM = re.compile(r"(?:^|[;|&`($]\s*|\s)onnxaudit\s+([^;|&#]*)")
EVERY = ""


def list_options() -> dict[str, set[str]]:
    """The options of each command by its name; under "" those of all commands."""

    def walk(command: Any, path: str) -> Iterator[tuple[str, set[str]]]:
        names = {name for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")}
        yield path, names | {"--help"}
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{path} {name}".strip())

    found = dict(walk(typer.main.get_command(app), "main"))
    found = {name.removeprefix("main "): options for name, options in found.items()}
    return {**found, EVERY: set().union(*found.values())}


OPTIONS = list_options()
COMMANDS = [name for name in OPTIONS if name not in (EVERY, "main", "policy")]


def find_unknown(text: str) -> list[str]:
    """What a page says of onnxaudit that is not so: commands, and options that a command does not have."""
    codes = [code.replace("\n", " ") for _, code in CODE.findall(drop_blocks(text))]
    for block in read_blocks(text):
        codes += block.text.replace("\\\n", " ").splitlines()
    unknown = [name for code in codes if code.startswith("-") for name in OPTION.findall(code.split()[0])]
    unknown = [name for name in unknown if name not in OPTIONS[EVERY]]
    return unknown + [problem for code in codes for call in PROGRAM.findall(code) for problem in check_call(call)]


def check_call(call: str) -> Iterator[str]:
    """What is wrong with the words behind `onnxaudit`."""
    words = call.split()
    called = (name for name in COMMANDS if words[: len(name.split())] == name.split())
    command = max(called, key=len, default="main")  # of a group's command the longer name
    if command == "main" and words and re.fullmatch(r"[a-z]{3,}", words[0]) and words[0] != "policy":
        yield words[0]
    for option in OPTION.findall(call):
        if option not in OPTIONS[command]:
            yield f"{command} {option}"


@pytest.mark.parametrize("page", find_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_options_that_a_page_names_exist(page: Path) -> None:
    assert find_unknown(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("`onnxaudit scan MODEL --data PATH`", []),
        ("`--data PATH` and `-q`", []),
        ("`pip install --upgrade pip`", []),
        ("`--date PATH`", ["--date"]),
        ("`onnxaudit scan MODEL --known-trigger T`", ["scan --known-trigger"]),
        ("```text\nonnxaudit scan MODEL \\\n    --renamed\n```\n", ["scan --renamed"]),
        ("```console\n$ A=1 onnxaudit policy show --fail | grep --colour x\n```\n", ["policy show --fail"]),
        ("`onnxaudit scam MODEL`", ["scam"]),
    ],
)
def test_unknown_options_and_commands_are_found(text: str, unknown: list[str]) -> None:
    assert find_unknown(text) == unknown
