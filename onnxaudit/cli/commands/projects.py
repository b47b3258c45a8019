"""`init`: a repository of models that `onnxaudit scan` scans by itself."""

from pathlib import Path
from typing import Annotated

import typer

from onnxaudit.cli import options as opt

FoundModels = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MODEL", help="The ONNX files; those below this folder where not given.", show_default=False
    ),
]
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
