"""The page of commands and options, from the command line itself."""

import inspect
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import typer

from onnxaudit.cli.app import app
from tools.reference.markdown import write_code, write_table

HEADING = """# Command line

Stdout holds the result and nothing else; progress goes to stderr. An option that is not given takes the default of the
stage that it belongs to, or the [policy's](policy.md). [Exit codes](environment.md) are the same for all commands.
"""


def write_page() -> str:
    """The whole page in Markdown."""
    return "\n".join([HEADING, *(write_command(name, command) for name, command in list_commands())])


def list_commands(command: Any = None, name: str = "onnxaudit") -> Iterator[tuple[str, Any]]:
    """Every command under its full name, the program itself first."""
    command = typer.main.get_command(app) if command is None else command
    yield name, command
    for inner, found in getattr(command, "commands", {}).items():
        yield from list_commands(found, f"{name} {inner}")


def write_command(name: str, command: Any) -> str:
    """One command: what it does, how it is called, its arguments and options."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    words = [name, *map(write_argument, arguments), *map(write_required, options)]
    words += ["[OPTIONS]"] * bool(options) + ["COMMAND"] * bool(getattr(command, "commands", {}))
    usage = " ".join(filter(None, words))
    parts = [f"## {name}\n", f"{command.help}\n", f"```text\n{usage}\n```\n"]
    if options:
        first = sorted(options, key=lambda one: not one.required)
        rows = [(write_option(one), write_meaning(one, find_choices(command, one.name))) for one in first]
        parts.append(write_table(("option", "meaning"), rows))
    return "\n".join(parts)


def write_argument(argument: Any) -> str:
    """An argument as it stands in a usage line."""
    return str(argument.metavar) + ("..." if argument.nargs == -1 else "")


def write_required(option: Any) -> str:
    """A required option as it stands in a usage line, else nothing."""
    return f"{option.opts[0]} {option.metavar}" if option.required else ""


def write_option(option: Any) -> str:
    """Its names, with what stands for the value."""
    return write_code(f"{', '.join(option.opts)} {option.metavar or ''}".strip())


def find_choices(command: Any, name: str) -> tuple[str, ...]:
    """The values that a parameter may have, where its annotation lists them."""
    parameters = inspect.signature(command.callback).parameters

    def search(annotation: Any) -> tuple[str, ...]:
        if get_origin(annotation) is Literal:
            return get_args(annotation)
        return next((found for part in get_args(annotation) if (found := search(part))), ())

    return search(parameters[name].annotation) if name in parameters else ()


def write_meaning(option: Any, choices: tuple[str, ...]) -> str:
    """Its help, with whether it is required, what it may be, and its default where it has one of its own."""
    required = "Required. " if option.required else ""
    one_of = f" One of {', '.join(map(write_code, choices))}." if choices else ""
    usual = option.default if isinstance(option.default, str) else option.show_default
    default = f" Default: {write_code(usual)}." if isinstance(usual, str) else ""
    several = " May be given several times." if option.multiple else ""
    return f"{required}{option.help}{one_of}{default}{several}"
