"""`init`, a repository of models that `onnxaudit scan` scans by itself, and `demo`."""

from pathlib import Path
from typing import Annotated

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.commands.preparation import begin

FoundModels = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MODEL", help="The ONNX files; those below this folder where not given.", show_default=False
    ),
]
Folder = Annotated[Path, typer.Option("--into", metavar="DIR", help="Where the model, the images and the results go.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is found.")]


def init(
    context: typer.Context,
    models: FoundModels = None,
    *,
    data: opt.OptionalData = None,
    working: opt.Working,
    yes: Yes = False,
) -> int:
    """Write onnxaudit.toml, which says what `onnxaudit scan` scans where it names no model.

    Each model is inspected, what cannot be scanned is left out, and the rest is asked at the terminal. Exit code 0: it
    is written. 2: it is not.
    """
    from onnxaudit.cli.project_file import run_init

    return run_init(models or (), data, working.keep_given().get("effort"), yes, context.obj)


def demo(context: typer.Context, *, into: Folder = Path("onnxaudit-demo"), sandbox: opt.Sandbox = "auto") -> int:
    """Scan a traffic-sign classifier that has a backdoor, which the installation brings, and say what to try next.

    Nothing is downloaded. Exit code 0: it ran, whatever the verdict. 2: it did not.
    """
    from onnxaudit.cli.demonstration import prepare_demo, run_demo

    plan = prepare_demo(into)
    done = begin(plan.outputs, context.obj, plan.models, plan.sources, sandbox, written=[into])
    return run_demo(plan, context.obj) if done is None else done
