"""`convert`: another framework's model becomes an ONNX file."""

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.commands.preparation import begin


def convert(
    context: typer.Context,
    model: opt.Source,
    output: opt.Target,
    *,
    input_shape: opt.InputShape = None,
    signature: opt.Signature = None,
    python: opt.Python = None,
    outputs: opt.PlainOutputs,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Make an ONNX file of another framework's model, by its own exporter, and measure that it computes the same.

    The framework runs in a process without a network, in the environment that --python names. Nothing is unpickled.
    Exit code 0: written. 2: it cannot be converted, or computes something else, and nothing is written.
    """
    from onnxaudit.cli.conversion import run_convert, take_order

    done = begin(outputs.widen(), context.obj, [model], [], sandbox, written=[output])
    if done is not None:
        return done
    order = take_order(model, python=python, shape=input_shape, signature=signature)
    return run_convert(order, output, outputs.widen(), context.obj)
