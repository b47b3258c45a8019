"""The program: its commands, in the order in which help lists them, and `main`."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from onnxaudit.cli.commands import audits, conversion, knowledge, policies, projects, results, storage, surroundings
from onnxaudit.cli.exits import (
    CLEAN,
    ERROR,
    INTERRUPTED,
    Settings,
    leave_word,
    report_problem,
    run_guarded,
)
from onnxaudit.cli.groups import spread_groups
from onnxaudit.cli.help import Command, Group, bring_debug_forward
from onnxaudit.cli.signals import handle_signals
from onnxaudit.cli.stdout import escape_unwritable, keep_stdout, read_stdout_format, reserve_stdout
from onnxaudit.cli.streams import mend_streams, settle_streams
from onnxaudit.files import remove_drafts
from onnxaudit.isolation.worker import can_fork, end_all
from onnxaudit.telemetry import switch_off
from onnxaudit.version import __version__

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(pretty_exceptions_enable=False, cls=Group, context_settings=HELP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` where None) and return the exit code: 0, 1, 2, 3 or 130, whatever happens."""
    mend_streams()
    keep_to_ourselves()
    try:
        code = _run(arguments)
    except BaseException as error:  # what comes between the guards: a signal, an error while one is told
        report_problem(f"internal error, {type(error).__name__}")
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else ERROR
    return code if settle_streams() or code == INTERRUPTED else ERROR


def keep_to_ourselves() -> None:
    """Switch the libraries' reports to their makers off, before any of them is imported."""
    switch_off()


def _run(arguments: Sequence[str] | None) -> int:
    reserve_stdout()
    escape_unwritable()
    # PyTorch's threads spin while they wait for each other: on busy cores a scan then takes many times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    settings = Settings(
        apart=arguments is None and can_fork(), arguments=words, stdout_format=read_stdout_format(words)
    )

    def command() -> int:
        code = app(args=bring_debug_forward(words), prog_name="onnxaudit", standalone_mode=False, obj=settings)
        raise_swallowed()
        assert isinstance(code, int)
        return code

    def leave(message: str) -> None:
        end_all()
        remove_drafts()
        leave_word(message, settings)

    with handle_signals(leave, last=arguments is None) as raise_swallowed:
        return run_guarded(command, settings)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onnxaudit {__version__}")
        raise typer.Exit(CLEAN)


@app.callback()
def read_settings(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Detect backdoors in ONNX classifiers that you did not train, and remove them.

    Exit codes: 0 clean or repaired, 1 backdoored, rejected or not repaired, 2 error, 3 inconclusive, 130 interrupted.
    """
    del version
    context.obj.debug = debug


def _add(within: typer.Typer, *commands: Callable[..., int]) -> None:
    """Add commands, whose groups of options are spread out, and that alone write to stdout."""
    for command in commands:
        within.command(cls=Command)(spread_groups(keep_stdout()(command)))


_add(app, audits.scan, results.verify, audits.repair, audits.profile, results.report, results.diff, results.merge)
_add(app, surroundings.inspect, surroundings.doctor, surroundings.detectors, knowledge.schema, knowledge.rules)
_add(app, conversion.convert, projects.init, projects.demo)
policy_app = typer.Typer(help="The policy by which models are let through.", cls=Group)
app.add_typer(policy_app, name="policy")
_add(policy_app, policies.show, policies.waive)
cache_app = typer.Typer(help="What is kept from run to run.", cls=Group)
app.add_typer(cache_app, name="cache")
_add(cache_app, storage.stats, storage.clear)
