"""What `--help` says: nothing is eaten as markup, defaults are told and true, panels and examples are there."""

from collections.abc import Callable
from typing import Any

import pytest

from onnxaudit.cache.folder import LIMIT
from onnxaudit.cli.help import EXAMPLES
from onnxaudit.cli.plan import ALONE
from onnxaudit.gate.policy import Policy
from onnxaudit.gate.vex import NOBODY
from onnxaudit.mitigation.pruning_config import PruningConfig
from onnxaudit.pipeline.context import RepairConfig
from onnxaudit.pipeline.memory_plan import SHARE
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.remote.fetch import MOST
from tools.reference.cli import list_commands

from .conftest import Outcome

COMMANDS = dict(list_commands())
DEFAULTS: dict[str, Any] = {
    "effort": DetectionConfig().effort,
    "fail_on": Policy().fail_on,
    "inconclusive": Policy().inconclusive,
    "min_coverage": Policy().min_coverage,
    "repaired": Policy().repaired,
    "min_agreement": PruningConfig().min_agreement,
    "max_success": PruningConfig().max_success,
    "criterion": PruningConfig().criterion,
    "method": RepairConfig().method,
    "seed": 0,
    "device": "auto",
    "detectors": "standard",
    "format": "text",
    "memory": f"{SHARE * 100:.0f} % of what is free",
    "cache_dir": "onnxaudit in the user's cache folder",
    "jobs": ALONE.jobs or 1,
    "cache_limit": f"{LIMIT // 2**30}GiB",
    "fetch_limit": f"{MOST // 2**30}GiB",
    "vex_author": NOBODY,
}


@pytest.fixture
def read(run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("COLUMNS", "100")

    def read(*command: str) -> str:
        outcome = run(*command)
        assert outcome.code == 0
        return outcome.out

    return read


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_no_type_of_a_switch_and_eats_no_brackets(read: Callable[..., str], name: str) -> None:
    text = read(*name.split()[1:], "--help")
    assert "<bool>" not in text
    assert text == read(*name.split()[1:], "-h")
    squeezed = "".join(text.replace("│", "").split())
    for part in (COMMANDS[name].help, *(one.help for one in COMMANDS[name].params if not one.hidden)):
        assert all("".join(word.split()) in squeezed for word in (part or "").split()), part


@pytest.mark.parametrize("width", ["80", "120"])
def test_lines_of_help_are_as_long_as_the_terminal_lets_them(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    usage, _, story = run("verify", "--help").out.partition("\n")[2].partition("╭")[0].partition("One that lies")
    assert "Usage" in usage
    lines = f"One that lies{story}".strip().splitlines()
    following = [line.split()[0] for line in lines[1:]]
    assert all(len(line) + len(word) > int(width) - 4 for line, word in zip(lines, following, strict=False))


def test_a_table_of_toml_stands_in_the_help_as_it_is_written(read: Callable[..., str]) -> None:
    assert "[tool.onnxaudit]" in read("policy", "show", "--help")


def test_options_stand_in_panels(read: Callable[..., str]) -> None:
    text = read("repair", "--help")
    for panel in ("Options", "Repair", "Results", "How the model is run", "Policy", "Statements"):
        assert f"─ {panel} ─" in text
    assert "-o" in text


@pytest.mark.parametrize("name", ["scan", "repair", "policy show"])
def test_defaults_in_help_are_those_of_the_code(name: str) -> None:
    options = {one.name: one for one in COMMANDS[f"onnxaudit {name}"].params}
    told = {option: one.show_default for option, one in options.items() if isinstance(one.show_default, str)}
    assert set(told) == set(DEFAULTS) & set(options)
    for option, said in told.items():
        usual = DEFAULTS[option]
        assert float(said) == usual if isinstance(usual, float) else said == str(usual), option


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_commands_that_exist(read: Callable[..., str], name: str) -> None:
    text = read(*([] if name == "onnxaudit" else [name]), "--help")
    assert "docs/how-to/" in text
    for example in EXAMPLES[name]:
        program, command, *rest = example.split()
        assert program == "onnxaudit"
        known = {option for one in COMMANDS[f"onnxaudit {command}"].params for option in one.opts}
        assert {word for word in rest if word.startswith("-") and word != "-"} <= known, example


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_may_stand_anywhere(run: Callable[..., Outcome], pipeline: Any, place: int) -> None:
    pipeline.answers["scan"] = ZeroDivisionError("oh")
    words = ["scan", "m.onnx"]
    words.insert(place, "--debug")
    outcome = run(*words)
    assert outcome.code == 2
    assert "Traceback" in outcome.err
