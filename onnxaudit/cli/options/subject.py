"""What is audited: models, clean images, reports, triggers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_IMAGES = (
    "Clean images: a folder, with or without a sub-folder for each class; an .npz archive (FILE.npz:x,y names its "
    "arrays) or an .npy file (FILE.npy:y.npy names its labels); a .tar, .parquet, .arrow or .tfrecord file, or a "
    "folder of such."
)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The ONNX file.", show_default=False)]
Models = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MODEL", help="The ONNX files; those that onnxaudit.toml names where not given.", show_default=False
    ),
]
Data = Annotated[str, typer.Option(metavar="PATH", help=_IMAGES, show_default=False)]
OptionalData = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help=f"{_IMAGES} Without any, synthetic images are used, and no model is called clean."
    ),
]
OutputName = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="NAME",
        help="The classifying output, where a model has several.",
        rich_help_panel="How the model is run",
    ),
]
Quantize = Annotated[
    Literal["int8"] | None,
    typer.Option(
        help="Scan, beside each file, the two copies in 8-bit integers that onnxruntime's quantizer makes of it: "
        "static, calibrated on the clean images, and dynamic. The worst of the three counts.",
        rich_help_panel="How the model is run",
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The target layer, fully connected or a convolution; found where not given."),
]
Trigger = Annotated[Path, typer.Option(metavar="T.npz", help="The trigger: mask and pattern.", show_default=False)]
Run = Annotated[Path, typer.Argument(metavar="RUN.json", help="What `--json` wrote.", show_default=False)]
OldRun = Annotated[Path, typer.Argument(metavar="OLD.json", help="What `--json` wrote before.", show_default=False)]
NewRun = Annotated[Path, typer.Argument(metavar="NEW.json", help="What `--json` wrote now.", show_default=False)]
Rule = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="A rule's identifier or name, or a reason's code.", show_default=False),
]
