"""How other frameworks' models become ONNX."""

from pathlib import Path
from typing import Annotated, Any

import typer

from onnxaudit.cli.values import read_shape

Source = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A Keras file, a SavedModel's folder, a TensorFlow Lite file, a program of torch.export or TorchScript.",
        show_default=False,
    ),
]
Target = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="Where the ONNX file goes.", show_default=False)
]
InputShape = Annotated[
    Any,
    typer.Option(
        parser=read_shape,
        metavar="3x32x32",
        help="Sizes of one input in the framework's order, where the file leaves them open, as TorchScript does.",
    ),
]
Signature = Annotated[
    str | None, typer.Option(metavar="NAME", show_default="serving_default", help="Which signature of a SavedModel.")
]
Python = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The interpreter of the environment in which another framework is installed; this one's if not given.",
        show_default=False,
    ),
]
