"""The commands and `main`: parse, call one function, give the exit code.

Every command imports what it runs when it runs, so that `--help` costs neither torch nor onnxruntime.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from onnxaudit.cli import options as opt
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
    for name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"


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


policy_app = typer.Typer(help="The policy by which models are let through.", cls=Group)
app.add_typer(policy_app, name="policy")


def _command(function: Callable[..., int], within: typer.Typer = app) -> Callable[..., int]:
    """A command whose groups of options are spread out, and that alone writes to stdout."""
    return within.command(cls=Command)(spread_groups(keep_stdout()(function)))


def _begin(
    outputs: opt.Outputs,
    settings: Settings,
    inputs: Sequence[Path],
    sources: Sequence[str | None],
    sandbox: opt.Sandbox,
    *,
    written: Sequence[Path | None] = (),
) -> int | None:
    """Before the libraries are imported, which takes seconds: no report of an earlier run stays for this one's.

    The exit code where all is done inside bubblewrap, else None.
    """
    from onnxaudit.cli.enclosure import enclose, is_inside
    from onnxaudit.cli.output import list_data_paths, open_delivery, replace_stale

    if sandbox == "none":
        settings.apart = False
    open_delivery(outputs, settings, [*inputs, *list_data_paths(*sources)])
    replace_stale(outputs)
    if sandbox != "bwrap" or is_inside():
        return None
    return enclose(settings, [path for path in (*outputs.files.values(), *written) if path is not None])


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


@_command
def scan(
    context: typer.Context,
    models: opt.Models,
    *,
    data: opt.OptionalData = None,
    working: opt.Working,
    save_triggers: opt.SaveTriggers = None,
    embed_samples: opt.EmbedSamples = False,
    outputs: opt.RunOutputs,
    output: opt.OutputName = None,
    computing: opt.Computing,
    gating: opt.Gating,
    attesting: opt.Attesting,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Tell whether models have a backdoor, its target class, and what its trigger looks like.

    The worst verdict gives the exit code, in the order 1 backdoored or rejected, 2 error, 3 inconclusive, 0 clean.
    """
    done = _begin(outputs, context.obj, [*models], [data], sandbox, written=[save_triggers, *attesting.files])
    if done is not None:
        return done
    from onnxaudit.cli.runs import run_scan

    given = opt.keep_given(data=data, output=output, embed_samples=embed_samples)
    given |= working.keep_given() | computing.keep_given()
    return run_scan(
        models,
        given,
        outputs,
        triggers=save_triggers,
        request=gating.request(),
        attesting=attesting,
        settings=context.obj,
    )


@_command
def verify(
    context: typer.Context,
    model: opt.Model,
    attest: opt.Attested,
    *,
    verifying: opt.Verifying,
) -> int:
    """Let a model through by what an earlier scan stated about it, in a second, without scanning again.

    With --policy, that policy decides on what the statement tells: waivers and repaired models count as it says. Exit
    code 1: it was called backdoored, or fails. 3: the statement does not clear it: unsigned, too old, about another
    model, or without a verdict. 0: it does.
    """
    from onnxaudit.cli.attestation import run_verify

    return run_verify(model, attest, verifying, context.obj)


@_command
def repair(
    context: typer.Context,
    model: opt.Model,
    data: opt.Data,
    output: opt.Fixed,
    *,
    repairing: opt.Repairing,
    embed_samples: opt.EmbedSamples = False,
    outputs: opt.RunOutputs,
    computing: opt.Computing,
    gating: opt.RepairGating,
    attesting: opt.RepairAttesting,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Remove a backdoor and write a working model without it; the original is never changed.

    Exit code 0: repaired, or nothing to repair. 1: a limit was missed. 3: the scan was inconclusive, or with
    --suspects the new one is.
    """
    done = _begin(outputs, context.obj, [model], [data], sandbox, written=[output, *attesting.files])
    if done is not None:
        return done
    from onnxaudit.cli.runs import run_repair

    given = opt.keep_given(data=data, output=output, embed_samples=embed_samples)
    given |= repairing.keep_given() | computing.keep_given()
    return run_repair(
        model,
        given,
        repairing=repairing,
        outputs=outputs,
        request=gating.request(),
        attesting=attesting,
        settings=context.obj,
    )


@_command
def profile(
    context: typer.Context,
    model: opt.Model,
    data: opt.Data,
    trigger: opt.Trigger,
    *,
    layer: opt.Layer = None,
    outputs: opt.RunOutputs,
    output: opt.OutputName = None,
    computing: opt.Computing,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Show which neurons a trigger uses: the target layer ranked by activation and by weight."""
    done = _begin(outputs, context.obj, [model, trigger], [data], sandbox)
    if done is not None:
        return done
    from onnxaudit.cli.runs import run_profile

    given = opt.keep_given(layer=layer, output=output)
    return run_profile(
        model, data, trigger, options={**given, **computing.keep_given()}, outputs=outputs, settings=context.obj
    )


@_command
def report(
    context: typer.Context,
    run: opt.Run,
    *,
    outputs: opt.Outputs,
    gating: opt.RepairGating,
    attesting: opt.Attesting,
) -> int:
    """Show a run's JSON report again, or write it in other formats, without scanning.

    Exit code 0, whatever the report says; 2 where it cannot be read. With --policy, another option of the policy, or
    --attest, the policy decides anew: exit codes are those of a scan then, and waivers count by today.
    """
    request = gating.request()
    if request.file is None and not request.options and not attesting.files and attesting.sign_key is None:
        from onnxaudit.cli.report import run_report

        return run_report(run, outputs, context.obj)
    from onnxaudit.cli.judgement import run_decide

    return run_decide(run, outputs, request, attesting, context.obj)


@_command
def diff(context: typer.Context, old: opt.OldRun, new: opt.NewRun) -> int:
    """Compare the findings of two runs: which are new, which are gone.

    Exit code 0: nothing is new. 1: something is. 2: a report cannot be read, or a model of the new run has none.
    """
    from onnxaudit.cli.judgement import run_diff

    return run_diff(old, new, context.obj)


@_command
def inspect(
    context: typer.Context,
    model: opt.Model,
    *,
    output: opt.OutputName = None,
    input_size: opt.InputSize = None,
    working: opt.Working,
    outputs: opt.PlainOutputs,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Tell in seconds what a model file holds, whether it can be scanned, and roughly how long that takes.

    It is tried on made images in a process of its own. Exit code 0: it can be scanned. 1: a scan would reject it. 2: it
    cannot.
    """
    from onnxaudit.cli.inspection import run_inspect

    done = _begin(outputs.widen(), context.obj, [model], [], sandbox)
    if done is not None:
        return done
    given = opt.keep_given(output=output, input_size=input_size) | working.keep_given()
    return run_inspect(model, given, outputs.widen(), context.obj)


@_command
def doctor(context: typer.Context, outputs: opt.PlainOutputs) -> int:
    """Check that everything a scan needs works here: versions, PyTorch, ONNX Runtime, devices.

    Exit code 0: it does. 2: something does not.
    """
    from onnxaudit.cli.inspection import run_doctor

    return run_doctor(outputs.widen(), context.obj)


@_command
def detectors(context: typer.Context, outputs: opt.PlainOutputs) -> int:
    """List the detectors: what each measures, when it runs, and whether the score weighs it.

    Those of other packages, in the entry-point group onnxaudit.detectors, are listed too; a scan runs them where
    --detectors or a policy names them.
    """
    from onnxaudit.cli.inspection import run_detectors

    return run_detectors(outputs.widen(), context.obj)


@_command
def schema(context: typer.Context) -> int:
    """Print the JSON Schema of all reports."""
    from onnxaudit.report.json import schema_to_json

    context.obj.stdout.write(schema_to_json())
    return CLEAN


@_command
def rules(context: typer.Context, rule: opt.Rule = None) -> int:
    """List the kinds of findings, or explain one, or the code of a reason: what was seen, what it means, what to do."""
    from onnxaudit.findings.reasons import explain_reason, find_cause
    from onnxaudit.findings.rules import explain_rule, find_rule, list_rules

    cause = None if rule is None else find_cause(rule)
    if cause is not None:
        context.obj.stdout.write(explain_reason(cause))
    else:
        context.obj.stdout.write(list_rules() if rule is None else explain_rule(find_rule(rule)))
    return CLEAN


def show(
    context: typer.Context,
    *,
    gating: opt.RepairGating,
) -> int:
    """Tell the policy in force here: each key, its value, and where that comes from.

    The command line goes before ONNXAUDIT_* variables, these before --policy, that before [tool.onnxaudit] in the
    working directory's pyproject.toml, and this before the defaults.
    """
    from onnxaudit.cli.policies import run_policy_show

    return run_policy_show(gating.request(), context.obj)


_command(show, policy_app)


def waive(
    context: typer.Context,
    fingerprint: opt.Fingerprint,
    *,
    run: opt.WaivedRun,
    reason: opt.Reason,
    approver: opt.Approver,
    expires: opt.Expires,
    into: opt.Into = None,
) -> int:
    """Write a waiver that accepts one finding of one model for a time.

    It goes to stdout, or into the policy that --into names. Only findings about a class can be waived.
    """
    from onnxaudit.cli.judgement import run_waive

    waiver = {"reason": reason, "approver": approver, "expiry": expires}
    return run_waive(fingerprint, run, waiver, into, context.obj)


_command(waive, policy_app)
