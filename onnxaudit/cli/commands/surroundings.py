"""`inspect`, `doctor` and `detectors`: what is there, told without a scan."""

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.commands.preparation import begin


def inspect(
    context: typer.Context,
    model: opt.Model,
    *,
    output: opt.OutputName = None,
    input_size: opt.InputSize = None,
    memory: opt.Memory = None,
    working: opt.Working,
    outputs: opt.PlainOutputs,
    fetching: opt.Fetching,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Tell in seconds what a model file holds, whether it can be scanned, and roughly how long that takes.

    It is tried on made images in a process of its own; one that lies elsewhere is fetched, as by `scan`. Exit code
    0: it can be scanned. 1: a scan would reject it. 2: it cannot.
    """
    from onnxaudit.cli.inspection import run_inspect
    from onnxaudit.cli.remote import bring_model

    done = begin(outputs.widen(), context.obj, [model], [], sandbox, fetches=True)
    if done is not None:
        return done
    given = opt.keep_given(output=output, input_size=input_size, memory=memory) | working.keep_given()
    with bring_model(model, fetching, context.obj) as job:
        return run_inspect(job.model, given, outputs.widen(), context.obj, name=job.name)


def doctor(context: typer.Context, outputs: opt.PlainOutputs) -> int:
    """Check that everything a scan needs works here: versions, PyTorch, ONNX Runtime, devices.

    Exit code 0: it does. 2: something does not.
    """
    from onnxaudit.cli.inspection import run_doctor

    return run_doctor(outputs.widen(), context.obj)


def detectors(context: typer.Context, outputs: opt.PlainOutputs) -> int:
    """List the detectors: what each measures, when it runs, and whether the score weighs it.

    Those of other packages, in the entry-point group onnxaudit.detectors, are listed too; a scan runs them where
    --detectors or a policy names them.
    """
    from onnxaudit.cli.inspection import run_detectors

    return run_detectors(outputs.widen(), context.obj)
