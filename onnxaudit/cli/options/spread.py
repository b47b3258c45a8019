"""How the models of a run are spread over processes and machines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from onnxaudit.cli.values import read_shard

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        show_default="1",
        help="Scan so many models at once, as far as the memory suffices.",
    ),
]
Shard = Annotated[
    Any,
    typer.Option(
        parser=read_shard,
        metavar="3/10",
        help="Scan the third of ten parts of the models alone; `onnxaudit merge` joins what comes of them.",
    ),
]
HtmlDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write a page for each model there, and index.html, which lists them by risk.",
        rich_help_panel="Results",
    ),
]
Parts = Annotated[
    list[Path],
    typer.Argument(metavar="RUN.json", help="What `--json` wrote, of each part of a run.", show_default=False),
]


@dataclass(frozen=True)
class Spread:
    """How many models at once, and which part of them."""

    PANEL: ClassVar[str] = "Many models"

    jobs: Jobs = None
    shard: Shard = None
