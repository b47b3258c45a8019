"""The commands and `main`: parse, call one function, give the exit code.

Every command imports what it runs when it runs, so that `--help` costs neither torch nor onnxruntime.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.exits import CLEAN, Settings, run_guarded
from onnxaudit.version import __version__

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` where None) and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow encoding is no reason to fail
    # PyTorch's threads spin while they wait for each other: on busy cores a scan then takes many times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settings = Settings()

    def command() -> int:
        code = app(args=arguments, prog_name="onnxaudit", standalone_mode=False, obj=settings)
        assert isinstance(code, int)
        return code

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
    """Find backdoors in ONNX classifiers that you did not train, and take them out.

    Exit codes: 0 clean or repaired, 1 backdoored or not repaired, 2 error, 3 inconclusive.
    """
    del version
    context.obj.debug = debug


@app.command()
def scan(
    context: typer.Context,
    models: opt.Models,
    data: opt.OptionalData = None,
    json: opt.Json = None,
    seed: opt.Seed = None,
    device: opt.Device = None,
    profile: opt.Effort = None,
    time_budget: opt.TimeBudget = None,
    output: opt.OutputName = None,
    input_size: opt.InputSize = None,
    pixel_range: opt.Range = None,
    mean: opt.Mean = None,
    std: opt.Std = None,
    channel_order: opt.ChannelOrder = None,
    save_triggers: opt.SaveTriggers = None,
) -> int:
    """Tell whether models have a backdoor, where it leads, and what its trigger looks like.

    The worst verdict gives the exit code, in the order 1 backdoored, 2 error, 3 inconclusive, 0 clean.
    """
    from onnxaudit.cli.runs import run_scan

    given = opt.keep_given(
        data=data,
        output=output,
        seed=seed,
        device=device,
        time_budget=time_budget,
        input_size=input_size,
        preprocessing=opt.read_preprocessing(pixel_range, mean, std, channel_order),
        config=opt.read_effort(profile),
    )
    return run_scan(models, given, json, save_triggers, context.obj)


@app.command()
def repair(
    model: opt.Model,
    data: opt.Data,
    output: opt.Fixed,
    scan: opt.Scan = None,
    json: opt.Json = None,
    label: opt.Label = None,
    layer: opt.Layer = None,
    method: opt.Method = None,
    remove: opt.Remove = False,
    criterion: opt.Criterion = None,
    min_agreement: opt.MinAgreement = None,
    max_success: opt.MaxSuccess = None,
    known_trigger: opt.KnownTrigger = None,
    evaluation: opt.Evaluation = None,
    allow_incomplete: opt.AllowIncomplete = False,
    seed: opt.Seed = None,
    device: opt.Device = None,
    time_budget: opt.TimeBudget = None,
    input_size: opt.InputSize = None,
    pixel_range: opt.Range = None,
    mean: opt.Mean = None,
    std: opt.Std = None,
    channel_order: opt.ChannelOrder = None,
) -> int:
    """Take a backdoor out and write a working model without it; the original is never touched.

    Exit code 0: repaired, or nothing to repair. 1: a limit was missed. 3: the scan was inconclusive.
    """
    from onnxaudit.cli.runs import run_repair

    limits = opt.keep_given(criterion=criterion, min_agreement=min_agreement, max_success=max_success)
    given = opt.keep_given(
        label=label,
        layer=layer,
        evaluation=evaluation,
        allow_incomplete=allow_incomplete or None,
        seed=seed,
        device=device,
        time_budget=time_budget,
        input_size=input_size,
        preprocessing=opt.read_preprocessing(pixel_range, mean, std, channel_order),
    )
    return run_repair(
        *(model, data, output, opt.keep_given(method=method, remove=remove or None), limits, given),
        scan_file=scan,
        trigger_file=known_trigger,
        json=json,
    )


@app.command()
def profile(
    model: opt.Model,
    data: opt.Data,
    trigger: opt.Trigger,
    json: opt.Json = None,
    layer: opt.Layer = None,
    seed: opt.Seed = None,
    device: opt.Device = None,
    output: opt.OutputName = None,
    input_size: opt.InputSize = None,
    pixel_range: opt.Range = None,
    mean: opt.Mean = None,
    std: opt.Std = None,
    channel_order: opt.ChannelOrder = None,
) -> int:
    """Show which neurons a trigger uses: the target layer ranked by activation and by weight."""
    from onnxaudit.cli.runs import run_profile

    given = opt.keep_given(
        layer=layer,
        output=output,
        seed=seed,
        device=device,
        input_size=input_size,
        preprocessing=opt.read_preprocessing(pixel_range, mean, std, channel_order),
    )
    return run_profile(model, data, trigger, given, json)


@app.command()
def schema() -> int:
    """Print the JSON Schema of all reports."""
    from onnxaudit.report.json import schema_to_json

    sys.stdout.write(schema_to_json())
    return CLEAN
