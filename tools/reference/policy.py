"""The page of policy keys, from the policy's class, its readers' layers, and the command line."""

from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from onnxaudit.gate.layers import LOCKED, ONLY_IN_FILES, PREFIX, PYPROJECT
from onnxaudit.gate.policy import Policy
from onnxaudit.records import Waiver
from tools.reference.cli import list_commands
from tools.reference.docstrings import read_docstring
from tools.reference.markdown import start_sentence, write_code, write_table

HEADING = f"""# Policy keys

From the strongest origin to the weakest: the command line, `{PREFIX}*` variables, the file of `--policy`,
`[tool.onnxaudit]` in the working directory's `{PYPROJECT}`, the defaults. No policy is read from the folder of the
model or of the data. [How to write a policy](../how-to/write-a-policy.md) goes through it; `onnxaudit policy show`
tells each value in force and its origin.
"""
AFTER = f"""The [variable](environment.md#variables) of a key is `{PREFIX}` and the key in capitals;
{" and ".join(map(write_code, ONLY_IN_FILES))} have none.
`{LOCKED}` lists keys that no stronger origin may change. An unknown key, in a file or a variable, is an error that
names the nearest known one. Durations are seconds or written as `90s`, `10m`, `1h30m`, `30d`; sizes in
bytes or as `500MB`, `4GiB`; lists in variables and options are separated by commas.
"""
DETECTORS = dict.fromkeys(("detectors", "required_detectors"), " Any of [these](detectors.md).")
WAIVERS = """## Waivers

Each `[[waivers]]` table holds all of these:
"""


def write_page() -> str:
    """The whole page in Markdown."""
    told, waiver = read_docstring(Policy.__doc__), read_docstring(Waiver.__doc__)
    hints = get_type_hints(Policy)
    rows = [
        (
            write_code(one.name),
            write_default(one.default),
            write_option(one.name),
            write_meaning(told.describe("Attributes")[one.name])
            + (list_values(hints[one.name]) or DETECTORS.get(one.name, "")),
        )
        for one in fields(Policy)
    ]
    keys = write_table(("key", "default", "option", "meaning"), rows)
    said = waiver.describe("Attributes")
    entries = write_table(
        ("key", "meaning"), [(write_code(one.name), start_sentence(said[one.name])) for one in fields(Waiver)]
    )
    return "\n".join([HEADING, keys, AFTER, WAIVERS, entries])


def write_default(value: Any) -> str:
    """A default as TOML would have it."""
    if value is None or value is MISSING:
        return "none"
    if isinstance(value, bool):
        return write_code(str(value).lower())
    return write_code(f'"{value}"' if isinstance(value, str) else list(value) if isinstance(value, tuple) else value)


def write_option(key: str) -> str:
    """The option that sets a key."""
    options = {name for _, command in list_commands() for one in command.params for name in one.opts}
    name = "--" + key.replace("_", "-")
    return write_code(name) if name in options else ""


def write_meaning(said: str) -> str:
    """What is said of a key; Python's None is an absent key in TOML."""
    return start_sentence(said.replace("; None is ", "; without one "))


def list_values(hint: Any) -> str:
    """The values that a key may have, where they are few."""
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and issubclass(kind, StrEnum)]
    number = "Any" if get_origin(hint) is tuple else "One"
    return "".join(f" {number} of {', '.join(map(write_code, kind))}." for kind in kinds)
